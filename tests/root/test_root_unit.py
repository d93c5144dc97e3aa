"""Steps that need root, asked for by a service that is not: done when they are on root's own plan, refused and told when not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mainstay.ledger.journal import Journal
from tests.root.listening import OTHER, USER, Rooted, as_user
from tests.serve.served import PROGRAM, until

pytestmark = as_user


@pytest.fixture
def site() -> Iterator[Rooted]:
    """A site in a folder that every user of the machine may come by, and that only root may write."""
    with tempfile.TemporaryDirectory(prefix="root-") as folder:
        Path(folder).chmod(0o755)
        yield Rooted(Path(folder))


def own_events(site: Rooted) -> list[tuple[str, str]]:
    """Return what the root unit has journaled: kind and step."""
    journal = Journal(site.folder / "kept")
    found = [(event.kind, event.body.get("step", "")) for event in journal.events()]
    journal.close()
    return found


def step_of(site: Rooted) -> dict[str, Any]:
    """Return the newest step of the newest run, as it was pinned."""
    found: dict[str, Any] = site.newest()["tasks"][0]["steps"][-1]["step"]
    return found


def test_a_log_of_root_is_rotated_by_a_run_that_is_not_root(site: Rooted) -> None:
    logs = site.folder / "logs"
    logs.mkdir(mode=0o700)
    (logs / "app.log").write_text("a line\n" * 1000)
    site.settings["targets"]["logs"] = {"kind": "logs", "paths": [f"{logs}/*.log"], "size": "1kB", "privilege": "root"}
    site.settings["targets"]["logs"] |= {"rivals": []}
    with site.unit():
        site.run("run", "logs.rotate")
    run = site.newest()
    assert (run["status"], run["verdict"], run["launched_by"]) == ("changed", "pass", USER)
    (part,) = (path for path in logs.iterdir() if path.name != "app.log")
    assert (part.stat().st_uid, part.read_text()) == (0, "a line\n" * 1000)
    assert own_events(site) == [("root.planned", ""), ("root.began", "rotate-1"), ("root.ended", "rotate-1")]


def test_without_the_unit_the_gate_says_no_and_what_to_do(site: Rooted) -> None:
    site.as_root("mark", "id -un >> $E")
    site.write()
    told = site.run("run", "mark.run", code=3)
    assert "nobody would do the steps that need root (mark)" in told
    assert "have root call `mainstay install`" in told
    assert "have root call `mainstay install`" in site.run("check", "mark", code=3)
    site.call("run", "mark.run")  # as root it is done at once
    assert site.done() == ["root"]


def test_what_root_did_can_be_taken_back_by_the_same_way(site: Rooted) -> None:
    done = site.script('test "$(tail -n 1 $E)" = root')
    site.as_root("mark", "id -un >> $E", done=done, undo=site.script("echo undone >> $E"), neutral=False)
    site.command("fails", "false")
    site.settings["routines"]["both"] = {"tasks": ["mark.run", "fails.run"], "all_or_nothing": True}
    with site.unit():
        site.run("run", "both", code=1)
    assert site.done() == ["root", "undone"]
    assert [task["status"] for task in site.newest()["tasks"]] == ["undone", "failed"]
    assert ("root.ended", "run~undo") in own_events(site)


def test_a_step_that_fails_there_fails_here_with_the_same_words(site: Rooted) -> None:
    site.as_root("mark", "echo broken >&2; exit 3")
    with site.unit():
        told = site.run("run", "mark.run", code=1)
    assert "the command failed (/bin/sh): exit code 3, expected 0" in " ".join(told.split())
    assert "broken" in site.newest()["tasks"][0]["steps"][0]["output"]


def test_a_step_that_takes_too_long_is_ended_there(site: Rooted) -> None:
    site.as_root("mark", "echo $$ >> $E; exec sleep 300", timeout="1s")
    with site.unit():
        told = site.run("run", "mark.run", code=1)
    assert "still at work after 1" in told
    assert not Path(f"/proc/{site.done()[0]}").exists()


def test_a_cancelled_run_ends_the_step_there(site: Rooted) -> None:
    site.as_root("mark", "echo $$ >> $E; exec sleep 300")
    with site.unit():
        run = started(site)
        until(site.done)
        site.run("cancel", "last")
        assert run.wait(timeout=60) == 1
        until(lambda: not Path(f"/proc/{site.done()[0]}").exists())
    assert site.newest()["status"] == "cancelled"


@pytest.mark.slow
def test_when_the_run_is_killed_the_step_stops_and_recovery_finds_out_how_it_stands(site: Rooted) -> None:
    done = site.script("grep -q done $E")
    site.as_root("mark", "echo $$ >> $E; test -e $E.again || sleep 300; echo done >> $E", done=done)
    with site.unit():
        run = started(site)
        until(site.done)
        run.kill()
        run.wait(timeout=30)
        until(lambda: not Path(f"/proc/{site.done()[0]}").exists())
        site.effects.with_suffix(".again").touch()
        site.run("settle")
    assert site.done()[-1] == "done"
    assert len(site.done()) == 3  # begun twice: a look showed that the first did not happen
    (run_,) = json.loads(site.run("runs", "--json"))["runs"]
    assert (run_["status"], run_["settled"]) == ("changed", True)


@pytest.mark.slow
def test_when_the_unit_is_killed_nobody_knows_until_somebody_has_looked(site: Rooted) -> None:
    site.as_root("mark", "echo $$ >> $E; sleep 2; echo done >> $E; sleep 300", done=site.script("grep -q done $E"))
    with site.unit():
        run = started(site)
        until(lambda: "done" in site.done())
        for one in site.alive:
            one.send_signal(signal.SIGKILL)
        assert run.wait(timeout=60) == 1
        assert "the root unit went away" in json.dumps(site.newest())
        site.run("settle")
        until(lambda: not Path(f"/proc/{site.done()[0]}").exists())
    assert site.newest()["status"] == "changed"
    assert site.done().count("done") == 1


def started(site: Rooted) -> subprocess.Popen[bytes]:
    """Begin a run as USER, and return it at work."""
    argv = ["setpriv", f"--reuid={USER}", "--regid=65534", "--clear-groups", *PROGRAM, "-c", str(site.file), "run", "mark.run"]
    return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")


@pytest.fixture
def forged(site: Rooted) -> Iterator[tuple[Rooted, dict[str, Any]]]:
    """A site on which a run has done a step, and the question that asked for it."""
    site.as_root("mark", "id -un >> $E")
    site.as_root("spare", "echo spare >> $E", undo=site.script("echo planted >> $E"), neutral=False)
    site.command("plain", "echo plain >> $E")
    site.settings["routines"]["daily"] = {"tasks": ["mark.run"]}
    with site.unit():
        site.run("run", "daily")
        yield site, {"do": "act", "task": "mark.run", "run": site.newest()["id"], "step": step_of(site), "left": 60}
    assert site.done() == ["root"], "something was done that was not on the plan"


def test_another_user_is_told_to_stay_out(forged: tuple[Rooted, dict[str, Any]]) -> None:
    site, question = forged
    assert f"only the service may ask here / {OTHER} / it runs as {USER}" in site.ask(question, OTHER)


def test_a_step_that_is_not_on_the_plan_is_refused_with_the_part_that_differs(forged: tuple[Rooted, dict[str, Any]]) -> None:
    site, question = forged
    step = question["step"]
    planted = {**step, "args": {"argv": ["/bin/sh", "-c", "id > /tmp/planted"]}}
    told = site.ask({**question, "step": planted})
    assert "this step is not one of our own plan / mark.run run / step.args.argv: ['/bin/sh', '-c', 'id > /tmp/" in told
    assert "our plan has no step 'other': it has run" in site.ask({**question, "step": {**step, "id": "other"}})
    assert "step.deadline: 9999.0 is asked for, here it is 600.0" in site.ask({**question, "step": {**step, "deadline": 9999}})
    planted = {**step, "id": "run~undo", "action": "undo", "on_unknown": "rerun"}
    assert "our plan has no step 'run~undo'" in site.ask({**question, "step": planted})


def test_nothing_is_done_for_a_run_that_root_has_never_planned(forged: tuple[Rooted, dict[str, Any]]) -> None:
    site, question = forged
    assert "this was never planned here" in site.ask({**question, "run": "20260101T020000-daily-0000"})
    assert "this was never planned here" in site.ask({**question, "task": "spare.run"})
    look = {"do": "look", "task": "mark.run", "on": ["command", "/etc/shadow"], "run": question["run"]}
    assert "no step of our plan is about that / command /etc/shadow" in site.ask(look)


def test_what_was_never_begun_is_not_taken_back(forged: tuple[Rooted, dict[str, Any]]) -> None:
    site, _ = forged
    run = "20260101T020000-spare-0000"
    site.ask({"do": "look", "task": "spare.run", "run": run, "params": {}})
    step = {"id": "run~undo", "action": "undo", "on": ["command", "/bin/sh"], "because": {"fact": "x", "value": None}}
    told = site.ask({"do": "act", "task": "spare.run", "run": run, "step": step})
    assert "it was never begun here, so it is not taken back" in told


def test_parameters_and_targets_that_the_configuration_has_not_are_refused(forged: tuple[Rooted, dict[str, Any]]) -> None:
    site, _ = forged
    told = site.ask({"do": "look", "task": "mark.run", "params": {"force": True}})
    assert "params.force: True is asked for, here it is None" in told
    assert "the configuration does not say `privilege: root` / plain" in site.ask({"do": "look", "task": "plain.run"})
    assert "no target 'nothing'" in site.ask({"do": "look", "task": "nothing.run"})
    for run in ("../../etc/x", "20260101T020000-a/../b-0000", "x"):
        assert "that is not the name of a run" in site.ask({"do": "look", "task": "mark.run", "run": run})
    assert "what was sent is no question" in site.ask({"do": "look"})


def test_a_plan_is_void_once_the_configuration_has_changed(forged: tuple[Rooted, dict[str, Any]]) -> None:
    site, question = forged
    site.as_root("mark", "id -un >> $E", timeout="9m")
    site.write()
    assert "the configuration has changed since this was planned / mark.run run" in site.ask(question)


def test_there_is_nothing_to_tidy_after_a_step_that_was_refused(forged: tuple[Rooted, dict[str, Any]]) -> None:
    site, question = forged
    site.ask({**question, "step": {**question["step"], "id": "other"}})
    answer = site.ask({**question, "do": "tidy", "step": {**question["step"], "id": "other"}})
    assert answer == "{}"


@pytest.mark.parametrize("how", ["mode", "owner", "folder", "include"])
def test_a_configuration_that_others_may_change_is_not_acted_on(forged: tuple[Rooted, dict[str, Any]], how: str) -> None:
    site, question = forged
    included = site.folder / "more.yaml"
    included.write_text("routines: {}\n")
    site.settings["include"] = ["more.yaml"]
    site.write()
    place = {"folder": site.folder, "include": included}.get(how, site.file)
    os.chown(place, 65534 if how in ("owner", "include") else 0, -1)
    place.chmod(0o777 if how in ("mode", "folder") else 0o755)
    told = site.ask(question)
    assert f"root does not act on a configuration that others may change / {place}" in told
    os.chown(place, 0, -1)
    place.chmod(0o755)
