"""The service: what is due is started once, nothing is lost by a crash, a signal or a wrong file."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.serve.served import ALWAYS, PROGRAM, Site, until


def test_a_due_routine_runs_once_in_its_slot(site: Site) -> None:
    site.command("mark", "echo mark >> $E")
    site.routine("often", "mark.run", window=ALWAYS)
    site.settings["serve"] = {"retry": "1s"}
    with site.serving() as service:
        until(lambda: site.done(), lambda: service.told)
        time.sleep(4)  # some more passes of the scheduler
        assert service.terminate() == 0
    assert {run["status"] for run in site.runs()} == {"changed"}
    assert len(site.events("occurrence.claimed")) == len(site.runs()) == len(site.done())


def test_two_services_of_one_state_folder_cannot_be(site: Site) -> None:
    with site.serving():
        told = site.call("serve", code=3)
    assert "a service of this state folder is at work" in told


def test_a_socket_of_another_process_is_left_alone_and_so_is_a_file(site: Site) -> None:
    place = site.folder / "taken"
    site.settings["serve"] = {"socket": str(place)}
    site.write()
    place.write_text("precious")
    assert "something that is no socket lies there" in site.call("serve", "--for", "1s", code=3)
    assert place.read_text() == "precious"
    place.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(place))
        other.listen()
        assert "another process does" in site.call("serve", "--for", "1s", code=3)
    assert "serving served" in site.call("serve", "--for", "1s")


def test_what_it_listens_at_is_closed_when_nobody_listens_any_more(site: Site) -> None:
    site.write()
    slow = "from mainstay.serve.service import serve; serve(Path(sys.argv[1]), print, Duration(0)); time.sleep(1.5)"
    script = f"import sys, time; from pathlib import Path; from mainstay.model.units import Duration; {slow}"
    done = subprocess.run([sys.executable, "-c", script, site.file], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_service_beside_timers_and_people_doubles_nothing(site: Site) -> None:
    site.command("mark", "echo mark >> $E")
    site.routine("often", "mark.run", window=ALWAYS)
    with site.serving():
        others = [subprocess.Popen([*PROGRAM, "-c", str(site.file), "run", "often", "--scheduled"]) for _ in range(3)]
        for other in others:
            other.wait(timeout=60)
        until(lambda: site.done())
    claims = [body["occurrence"] for body in site.events("occurrence.claimed")]
    assert len(claims) == len(set(claims)) == len(site.done())


def test_a_run_outlives_a_killed_service_and_the_next_one_starts_no_second(site: Site) -> None:
    site.command("slow", "echo begun >> $E; sleep 4; echo ended >> $E")
    site.routine("night", "slow.run", window={"rule": "every 60m", "length": "60m"})
    with site.serving() as first:
        until(lambda: site.done() == ["begun"], lambda: first.told)
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(timeout=10)
        with site.serving(1) as second:
            until(lambda: "ended" in site.done(), lambda: second.told)
            until(lambda: site.runs()[0]["ended"])
    assert site.done() == ["begun", "ended"]
    assert [run["status"] for run in site.runs()] == ["changed"]


def test_a_run_that_was_killed_with_its_service_is_settled_by_the_next_one(site: Site) -> None:
    site.command("slow", "test -e $E.once && cmd=true || cmd='sleep 60'; touch $E.once; echo begun >> $E; $cmd; echo ended >> $E")
    site.routine("night", "slow.run", window={"rule": "every 60m", "length": "60m"})
    with site.serving() as first:
        until(lambda: site.done() == ["begun"], lambda: first.told)
        first.kill()
        site.end_children()
        with site.serving(1) as second:
            until(lambda: site.done() == ["begun", "begun", "ended"], lambda: second.told)
            until(lambda: site.runs()[0]["settled"], lambda: second.told)
    (run,) = site.runs()
    assert not [pid for pid in Path("/proc").glob("[0-9]*/environ") if _names(pid, run["id"])]


def test_term_stops_a_step_at_work_takes_it_back_and_ends(site: Site) -> None:
    undo = site.script("echo undone >> $E")
    site.command("slow", "echo begun >> $E; exec sleep 60", neutral=False, undo=undo, on_unknown="undo", impact="load")
    site.routine("night", "slow.run", window=ALWAYS)
    with site.serving() as service:
        until(lambda: site.done() == ["begun"], lambda: service.told)
        assert service.terminate() == 0
        assert "stopping: SIGTERM" in service.told
    assert site.done() == ["begun", "undone"]
    assert site.events("serve.stopped") == [{"because": "SIGTERM", "killed": []}]
    assert not (site.folder / "state" / "serve.sock").exists()


def test_term_lets_a_step_finish_that_is_to_finish_and_begins_nothing_after_it(site: Site) -> None:
    site.command("slow", "echo begun >> $E; sleep 3; echo ended >> $E")
    site.command("after", "echo after >> $E")
    site.routine("night", "slow.run", "after.run", window=ALWAYS)
    site.settings["routines"]["night"]["tasks"][0]["slow.run"]["on_stop"] = "finish"
    site.settings["serve"] = {"stop_within": "2m"}
    with site.serving() as service:
        until(lambda: site.done() == ["begun"], lambda: service.told)
        service.process.terminate()
        assert service.process.wait(timeout=100) == 0
    assert site.done() == ["begun", "ended"]
    assert site.events("serve.stopped") == [{"because": "SIGTERM", "killed": []}]
    assert [body["status"] for body in site.events("task.ended")] == ["changed", "cancelled"]


def test_what_does_not_stop_is_killed_within_ten_seconds_and_told(site: Site) -> None:
    site.command("stubborn", "trap '' TERM; echo begun >> $E; while :; do sleep 1; done", timeout="10m")
    undo = site.script("test -e $E.free || sleep 60; echo undone >> $E")
    site.settings["targets"]["stubborn"] |= {"neutral": False, "undo": undo, "on_unknown": "undo"}
    site.routine("night", "stubborn.run", window=ALWAYS)
    with site.serving() as service:
        until(lambda: site.done() == ["begun"], lambda: service.told)
        service.process.terminate()
        service.process.wait(timeout=10)
    assert "run night: did not stop in time, and was killed" in service.told
    assert site.events("serve.stopped")[0]["killed"] == ["run night"]
    site.effects.with_suffix(".free").touch()
    site.call("settle", code=1)
    assert site.done() == ["begun", "undone"]


def test_a_wrong_file_is_refused_on_hangup_and_the_old_one_stays_in_force(site: Site) -> None:
    site.command("mark", "echo old >> $E")
    site.routine("often", "mark.run")
    with site.serving() as service:
        good = site.file.read_text()
        site.file.write_text(good.replace('"tasks"', '"tusks"'))
        service.hangup()
        until(lambda: site.events("serve.reload_refused"))  # it is told first, and then written down
        assert "not reloaded, the old configuration stays in force" in service.told
        assert "unknown key" in service.told
        assert "unknown key" in site.events("serve.reload_refused")[0]["because"]
        site.file.write_text(good)  # what the asking end reads is right again
        site.call("ask", "run", "often")
        site.file.write_text(good.replace("echo old", "echo new"))
        site.call("ask", "run", "often")
        service.hangup()
        until(lambda: site.events("serve.reloaded"))
        site.call("ask", "run", "often")
    assert site.done() == ["old", "old", "new"]


def test_a_refused_slot_is_tried_again_while_it_is_open(site: Site) -> None:
    site.command("ready", "true", before=["/usr/bin/test", "-e", str(site.folder / "ready")])
    site.command("mark", "echo mark >> $E")
    site.routine("night", "mark.run", window={"rule": "every 60m", "length": "60m"}, proof={"of": ["mark"], "within": "1h"})
    site.settings["serve"] = {"retry": "1s"}
    with site.serving() as service:
        until(lambda: len(site.runs()) >= 3, lambda: service.told)
        assert {run["status"] for run in site.runs()} == {"refused"}
        del site.settings["routines"]["night"]["proof"]
        site.write()
        service.hangup()
        until(lambda: site.done() == ["mark"], lambda: service.told)


def test_no_more_runs_at_once_than_are_wanted(site: Site) -> None:
    site.settings["serve"] = {"runs_at_once": 1}
    for name in ("one", "two", "three"):
        site.command(name, f"echo {name} >> $E; sleep 1; echo {name} >> $E")
        site.routine(name, f"{name}.run", window={"rule": "every 60m", "length": "60m"})
    with site.serving() as service:
        until(lambda: len(site.done()) == 6, lambda: service.told)
    assert site.done()[::2] == site.done()[1::2]


def test_targets_are_looked_at_at_an_interval_and_the_looks_are_remembered(site: Site) -> None:
    site.settings["targets"]["host"] = {"kind": "host"}
    site.settings["checks"] = {"every": "10s"}
    with site.serving() as service:
        until(lambda: '"level": "unknown"' not in site.call("status", "--json"), lambda: service.told)
        assert "mainstay serve is at work" in site.call("status")
        service.kill()
        assert "mainstay serve is not at work" in site.call("status")


@pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is not here")
@pytest.mark.covers("AUT-02", "DIA-03")
def test_status_tells_last_and_next_run_whether_the_service_lives_and_what_it_has_missed(site: Site) -> None:
    site.command("mark", "echo mark >> $E")
    site.routine("daily", "mark.run", window={"rule": f"daily {datetime.now(UTC):%H:%M}", "length": "10m"})
    with site.serving() as service:
        until(lambda: site.runs() and site.runs()[0]["ended"], lambda: service.told)
        well = json.loads(site.call("status", "--json"))
        service.kill()
    (routine,) = well["routines"]
    assert (routine["verdict"], routine["overdue"], well["service"]["alive"]) == ("pass", False, True)
    assert routine["next"] > well["at"] >= well["service"]["seen"] >= well["service"]["since"]
    later = site.call("status", before=("faketime", "-f", "+25h"))
    assert "mainstay serve is not at work: nothing starts by itself" in later
    assert "1 overdue" in later
    assert "overdue since" in " ".join(later.split())


def test_it_tells_its_manager_when_it_is_ready_alive_reloading_and_stopping(site: Site) -> None:
    name = f"mainstay-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")
        manager.settimeout(20)
        with site.serving(NOTIFY_SOCKET=f"@{name}", WATCHDOG_USEC="2000000") as service:
            assert "READY=1" in manager.recv(1000).decode()
            assert manager.recv(1000) == b"WATCHDOG=1"
            service.hangup()
            until(lambda: manager.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC="))
            assert manager.recv(1000) == b"READY=1"
            service.process.terminate()
            until(lambda: manager.recv(1000) == b"STOPPING=1")


@pytest.mark.slow
def test_a_clock_that_is_set_back_or_forth_doubles_nothing_and_loses_no_open_slot(site: Site) -> None:
    faked = site.folder / "clock"
    faked.write_text("+0")
    site.command("mark", "echo mark >> $E")
    site.routine("minutely", "mark.run", window={"rule": "every 1m", "length": "1m"})
    with site.serving(
        LD_PRELOAD="/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1", FAKETIME_TIMESTAMP_FILE=str(faked),
        FAKETIME_NO_CACHE="1", FAKETIME_DONT_FAKE_MONOTONIC="1",
    ) as service:  # fmt: skip
        for count, offset in enumerate(("+0", "+2h", "+2h", "+1h", "+3h"), start=1):
            faked.write_text(offset)
            time.sleep(4)
            assert len(_claims(site)) == len(set(_claims(site))), count
        until(lambda: len(site.done()) >= 3, lambda: service.told)
        until(lambda: len(_claims(site)) == len(site.done()), lambda: service.told)  # the last claim has run too
    claims = _claims(site)
    assert len(claims) == len(set(claims))


def _claims(site: Site) -> list[str]:
    return [body["occurrence"] for body in site.events("occurrence.claimed")]


def _names(environ: Path, run: str) -> bool:
    try:
        return run.encode() in environ.read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
