"""What the looks of the service find is told: by mail, once two looks agree, and again when it is in order."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.notify.mailbox import Mailbox, serve
from tests.serve.served import PROGRAM, Site, until

TO = "ops@example.org"


@pytest.fixture
def told(site: Site, free_port: int) -> Iterator[Mailbox]:
    """Let the site tell everything by mail, look every ten seconds, and have files that nothing protects yet."""
    mailbox = Mailbox()
    smtp = {"host": "localhost", "port": free_port, "sender": "mainstay@example.org", "to": [TO], "tls": "none"}
    site.settings["notify"] = {"mail": {"smtp": smtp}}
    site.settings["checks"] = {"every": "10s"}
    up = site.folder / "up"
    up.mkdir()
    (up / "letter").write_text("dear reader")
    site.settings["targets"]["up"] = {"kind": "files", "path": str(up)}
    site.settings["targets"]["safe"] = {"kind": "backup", "repository": {"path": str(site.folder / "repo")}, "of": ["up"]}
    server = serve(mailbox, free_port)
    yield mailbox
    server.stop()


def subjects(mailbox: Mailbox) -> list[str]:
    return [one for one in mailbox.subjects(TO) if " safe " in one]


@pytest.mark.slow
@pytest.mark.covers("BKP-25")
def test_it_is_told_that_no_backup_is_proven_and_a_backup_that_is_proven_at_its_completion_ends_that(
    site: Site, told: Mailbox
) -> None:
    proving = {"safe.prove": {"budget": "1m", "needs": ["safe.backup"]}}
    site.settings["routines"]["nightly"] = {"tasks": [{"safe.backup": {"budget": "1m"}}, proving]}
    with site.serving() as service:
        until(lambda: subjects(told), lambda: service.told, seconds=60)
        assert subjects(told) == ["served: safe is critical"]
        assert "up: backups: 0" in str(told.mails[0].get_content())
        site.call("run", "safe.backup", "--yes")  # a copy that nobody has restored is none yet
        site.call("check", "safe", code=2)
        site.call("run", "nightly", "--yes")
        [newest] = json.loads(site.call("backup", "list", "--json"))["backups"][-1:]
        assert newest["proven"]
        until(lambda: len(subjects(told)) == 2, lambda: service.told, seconds=60)
    assert subjects(told) == ["served: safe is critical", "served: safe is in order again"]


@pytest.mark.slow
def test_what_one_look_alone_finds_is_not_told(site: Site, told: Mailbox) -> None:
    path = site.folder / "app.db"
    site.settings["targets"]["app"] = {"kind": "sqlite", "path": str(path)}
    with site.serving() as service:
        until(lambda: level(site, "app") == "unknown", lambda: service.told)
        with closing(sqlite3.connect(path)) as app:
            app.execute("CREATE TABLE orders (id)")
        until(lambda: subjects(told), lambda: service.told, seconds=60)
    assert level(site, "app") in ("ok", "warning")
    assert told.subjects(TO) == ["served: safe is critical"]


@pytest.mark.slow
def test_what_a_run_is_at_work_on_is_told_when_the_run_is_over(site: Site, told: Mailbox) -> None:
    site.settings["targets"]["app"] = {"kind": "sqlite", "path": str(site.folder / "app.db")}
    site.command("slow", "echo begun >> $E; sleep 25; echo ended >> $E")
    site.routine("long", "slow.run", "app.optimize")
    site.write()
    argv = [*PROGRAM, "--config", str(site.file), "run", "long", "--yes"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run, site.serving() as service:
        until(site.done, lambda: service.told)
        until(lambda: subjects(told), lambda: service.told, seconds=60)
        if site.done() == ["begun"]:
            assert "served: app is critical" not in told.subjects(TO)
        run.wait(60)
        until(lambda: "served: app is critical" in told.subjects(TO), lambda: service.told, seconds=60)


def level(site: Site, target: str) -> str | None:
    """Return what the newest look at a target found, None before there was one."""
    looks = json.loads(site.call("status", "--json"))["targets"]
    [found] = [one for one in looks if one["target"] == target]
    return str(found["level"]) if found["at"] else None
