"""Other users of the machine: who they are says the kernel, what they may says the configuration, and all of it is journaled."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mainstay.model.errors import ConfigError, MainstayError, Refused
from mainstay.model.service import Role
from mainstay.model.task import Routine
from mainstay.model.task import Site as Configured
from mainstay.serve import rights, words
from mainstay.system.unix import Peer
from tests.serve.served import Service, Site, until

SITE = Configured("shop", "UTC", {}, {"daily": Routine("daily", ())}, {}, Path("/nowhere"))
SILENT = """\
import socket, sys, time
ways = []
for _ in range(40):
    ways.append(socket.socket(socket.AF_UNIX))
    while ways[-1].connect_ex(sys.argv[1]):
        time.sleep(0.01)
print(1, flush=True)
time.sleep(60)
"""
ROLES = {"operators": Role(groups=("ops",), may=("look", "run")), "auditor": Role(users=("bob",), may=("look",))}


def _as_nobody() -> bool:
    """Tell whether another user can read this program at all."""
    argv = ["setpriv", "--reuid=nobody", "--clear-groups", sys.executable, "-P", "-c", "import mainstay.cli.main"]
    return os.geteuid() == 0 and subprocess.run(argv, cwd="/", capture_output=True, check=False).returncode == 0


as_nobody = pytest.mark.skipif(not _as_nobody(), reason="needs root, and a program that everybody may read")


@pytest.fixture
def served(site: Site) -> Iterator[Service]:
    """A service on a socket that everybody can reach, and in which nobody may look and cancel."""
    site.command("mark", "echo mark >> $E")
    site.routine("often", "mark.run")
    site.settings["serve"] = {"socket": str(site.folder / "serve.sock")}
    site.settings["access"] = {"watchers": {"users": ["nobody"], "may": ["look", "cancel"]}}
    with site.serving() as service:
        yield service


@as_nobody
def test_a_user_without_the_state_folder_looks_through_the_service(site: Site, served: Service) -> None:
    site.call("run", "often")
    assert "mainstay serve is at work" in site.call("status", user="nobody")
    assert json.loads(site.call("status", "--json", user="nobody"))["service"]["alive"]
    run = json.loads(site.call("runs", "--json", user="nobody"))["runs"][0]
    assert run["id"] in site.call("show", "last", user="nobody")


@pytest.mark.covers("SEC-04")
@as_nobody
def test_what_somebody_may_not_is_refused_with_a_reason_and_journaled(site: Site, served: Service) -> None:
    told = site.call("run", "often", user="nobody", code=3)
    assert "you may not run here (nobody): watchers may cancel, look only" in told
    assert "you may not sign" in site.call("ask", "sign", "last", "mark.run", user="nobody", code=3)
    site.call("run", "often", user="nobody", code=3)
    refused = site.events("access.refused")
    assert [(one["by"], one["words"][0]) for one in refused] == [("nobody", "run"), ("nobody", "sign")]
    listed = json.loads(site.call("ledger", "access", "--json"))["asked"]
    assert [(one["words"][0], one["granted"]) for one in listed] == [("sign", False), ("run", False)]
    assert "watchers may cancel, look only" in site.call("ledger", "access")
    assert not site.done()


@pytest.mark.covers("SEC-04")
@as_nobody
def test_who_asked_is_who_the_journal_names(site: Site, served: Service) -> None:
    site.settings["access"]["watchers"]["may"] = ["run"]
    site.write()
    served.hangup()
    until(lambda: site.events("serve.reloaded"))
    told = site.call("run", "often", user="nobody")
    assert "often: pass" in told
    assert site.runs()[0]["launched_by"] == "nobody"
    assert site.events("access.granted") == [{"by": "nobody", "uid": 65534, "words": ["run", "often"]}]
    assert "cannot be asked with --name=root" in site.call("ask", "run", "often", "--name=root", user="nobody", code=2)


def test_a_run_goes_on_when_nobody_listens_any_more(site: Site) -> None:
    site.command("slow", "echo begun >> $E; sleep 2; echo ended >> $E")
    site.routine("night", "slow.run")
    with site.serving() as service:
        with _connected(site) as way:
            way.sendall(b'{"words": ["run", "night"]}\n')
            until(lambda: site.done(), lambda: service.told)
        until(lambda: site.done() == ["begun", "ended"] and site.runs()[0]["ended"], lambda: service.told)
    assert site.runs()[0]["verdict"] == "pass"


@pytest.mark.parametrize(
    "sent",
    [b"nonsense\n", b'{"words": 7}\n', b'{"words": []}\n', b'{"words": ["serve"]}\n', b"[]\n", b"x" * 100_000, b"\xff\n", b""],
)
def test_what_is_no_question_harms_nobody(sent: bytes, site: Site) -> None:
    with site.serving() as service:
        with _connected(site) as way:
            assert not (answer := _answer(way, sent)) or json.loads(answer)["code"] == 2
        assert json.loads(site.call("ask", "status", "--json"))["site"] == "served"
        assert "Traceback" not in service.told


@as_nobody
def test_those_who_say_nothing_do_not_keep_others_from_being_answered(site: Site, served: Service) -> None:
    argv = ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", SILENT, str(site.folder / "serve.sock")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd="/") as silent:
        assert silent.stdout is not None
        assert silent.stdout.read(1)
        assert "is at work" in site.call("ask", "status")
        silent.kill()


@pytest.mark.parametrize(
    ("asked", "argv"),
    [
        (["status", "--json"], ["status", "--json", "--"]),
        (["runs", "-n", "3"], ["runs", "--count=3", "--"]),
        (["run", "daily", "-y"], ["run", "--yes", "--name=alice", "--", "daily"]),
        (["sign", "last", "x.sign", "--remark", "--yes"], ["sign", "--remark=--yes", "--name=alice", "--", "last", "x.sign"]),
    ],
)
def test_a_question_becomes_a_call_in_which_no_name_can_be_an_option(asked: list[str], argv: list[str]) -> None:
    assert words.read(asked, SITE).argv("alice") == argv


@pytest.mark.parametrize(
    "asked",
    [
        ["run", "weekly"], ["run", "db.vacuum"], ["run", "daily", "--scheduled"], ["run", "--config=/tmp/x", "daily"], ["run"],
        ["show", "--config", "/tmp/x"], ["report", "daily"], ["install"], ["restore", "db"], ["settle"], ["run", "daily", "x"],
        ["run", "daily\n"], ["run", "x" * 1000], [""], ["status"] * 100, "status", None, [["run"]],
    ],
)  # fmt: skip
def test_what_the_configuration_does_not_name_and_what_writes_files_cannot_be_asked(asked: Any) -> None:
    with pytest.raises(ConfigError):
        words.read(asked, SITE)


@pytest.mark.parametrize(
    ("peer", "right", "may"),
    [
        (Peer(1000, "alice", frozenset({"alice", "ops"})), "run", True),
        (Peer(1000, "alice", frozenset({"alice", "ops"})), "sign", False),
        (Peer(1001, "bob", frozenset({"bob"})), "look", True),
        (Peer(1001, "bob", frozenset({"bob"})), "run", False),
        (Peer(1002, "ops", frozenset({"users"})), "look", False),
        (Peer(0, "root", frozenset()), "sign", True),
        (Peer(os.geteuid(), "", frozenset()), "cancel", True),
    ],
)
def test_rights_come_with_users_and_groups(peer: Peer, right: Any, may: bool) -> None:
    said: list[MainstayError] = []
    try:
        rights.require(right, peer, ROLES)
    except Refused as error:
        said.append(error)
    assert may is not bool(said)


def _connected(site: Site) -> socket.socket:
    settings = site.settings.get("serve", {})
    way = socket.socket(socket.AF_UNIX)
    way.settimeout(20)
    way.connect(settings.get("socket", str(site.folder / "state" / "serve.sock")))
    return way


def _answer(way: socket.socket, sent: bytes) -> bytes:
    """Return what comes back; whoever sends too much may be hung up on before it has all been read."""
    try:
        way.sendall(sent)
        way.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: way.recv(65536), b""))
    except ConnectionError:
        return b""
