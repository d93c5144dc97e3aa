"""The units, started for real in a machine that boots: a minutely routine of real targets under the sandbox of the service."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.serve.machine import PROGRAM, WHY_NOT, Machine, booted

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]

CONFIGURATION = """\
site: shop
timezone: Europe/Berlin
checks: {every: 10s}
access: {operators: {groups: [ops], may: [look]}}
targets:
  db: {kind: sqlite, path: /srv/shop/shop.db}
  logs: {kind: logs, paths: ["/srv/shop/logs/*.log"], size: 1kB, append_only: true, delay: 0}
  safe: {kind: backup, repository: {path: /backups}, of: [db]}
  system: {kind: logs, privilege: root, paths: ["/var/log/shop/*.log"], size: 1kB, delay: 0}
  outside: {kind: command, privilege: root, argv: [touch, /etc/mainstay/planted], impact: none, neutral: true}
routines:
  minutely:
    tasks: [safe.backup: {budget: 5s}, logs.rotate: {budget: 5s}]
  rooted: {tasks: [system.rotate: {budget: 1m}]}
  outside: {tasks: [outside.run: {budget: 1m}]}
windows:
  minutely: {rule: "every 1m", length: 1m}
"""
PREPARE = """\
mkdir -p /srv/shop/logs /etc/mainstay
useradd -r -d /var/lib/mainstay mainstay; groupadd ops; useradd -G ops alice; useradd bob
sqlite3 /srv/shop/shop.db 'PRAGMA journal_mode=WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY); INSERT INTO orders VALUES(1)'
head -c 5000 /dev/zero | tr '\\0' x > /srv/shop/logs/app.log
chown -R mainstay:mainstay /srv/shop && chmod 640 /srv/shop/logs/app.log
mkdir -m 700 /var/log/shop
"""
ASK = """\
import socket, sys
way = socket.socket(socket.AF_UNIX)
way.connect("/run/mainstay-root.sock")
way.sendall(sys.argv[1].encode() + b"\\n")
print(b"".join(iter(lambda: way.recv(65536), b"")).decode())
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """A machine with a shop, on which Mainstay was installed by its own command."""
    with booted() as machine:
        machine.run("sh", "-ec", PREPARE)
        (machine.root / "etc/mainstay/mainstay.yaml").write_text(CONFIGURATION)
        told = machine.run(PROGRAM, "install")
        assert "note:" not in told, told
        yield machine


def status(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(machine.run(PROGRAM, "ask", "status", "--json"))
    return found


def newest(machine: Machine) -> dict[str, Any]:
    runs = json.loads(machine.run(PROGRAM, "ask", "runs", "--count", "1", "--json"))["runs"]
    return runs[0] if runs else {"id": ""}


def rotate_as_root(machine: Machine, text: str) -> dict[str, Any]:
    """Fill a log that root alone can see, and have the service rotate it; return its run."""
    machine.run("sh", "-c", f"yes {text} | head -c 5000 > /var/log/shop/{text}.log")
    told = machine.run(PROGRAM, "ask", "run", "rooted", "--yes", code=None)
    found = json.loads(machine.run(PROGRAM, "ask", "runs", "--routine", "rooted", "--json"))["runs"][0]
    assert found["status"] == "changed", f"{told}\n{machine.told()}"
    assert len(machine.run("ls", "/var/log/shop").split()) > 1
    return dict(found)


def refused(machine: Machine, question: dict[str, Any], user: str = "mainstay") -> str:
    """Ask the root unit by hand, as somebody who has taken over that user would."""
    argv = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "python3", "-c", ASK, json.dumps(question)]
    told = machine.run(*argv, code=None)
    assert '"error"' in told or "Permission denied" in told, told
    return told


def next_run(machine: Machine, after: str, what: str) -> dict[str, Any]:
    """Wait for a run that ended later than that one, and print how long that took after what was done to the service."""
    began = time.monotonic()
    while time.monotonic() < began + 150:
        run = newest(machine)
        if run["id"] > after and run["ended"] and run["status"] != "ok":  # ok: too late in its minute, all was deferred
            print(f"\nafter {what}: a run {run['status']} after {time.monotonic() - began:.0f} s")
            return run
        time.sleep(1)
    raise AssertionError(machine.told())


@pytest.mark.covers("AUT-01")
def test_the_service_runs_a_minutely_routine_of_real_targets_in_its_sandbox(machine: Machine) -> None:
    run = next_run(machine, "", "installing")
    assert (run["status"], run["verdict"]) == ("changed", "pass"), machine.told()
    assert run["launched_by"] == "mainstay"
    assert len(list((machine.root / "srv/shop/logs").iterdir())) > 1
    assert "ProtectSystem=strict" in machine.run("systemctl", "show", "mainstay", "-p", "ProtectSystem")
    main = machine.show("mainstay", "MainPID")
    why = machine.run("nsenter", "-t", main, "-m", "touch", "/etc/mainstay/planted", code=1)
    assert "Read-only file system" in why


def test_a_step_that_needs_root_is_done_by_the_unit_of_root(machine: Machine) -> None:
    run = rotate_as_root(machine, "first")
    assert (run["verdict"], run["launched_by"]) == ("pass", "root")  # who asked; it ran as the service's own user
    assert "mainstay: act system.rotate rotate-1 for run" in machine.told()
    machine.run(PROGRAM, "ask", "run", "outside", "--yes", code=1)
    outside = json.loads(machine.run(PROGRAM, "ask", "runs", "--routine", "outside", "--json"))["runs"][0]["id"]
    assert "Read-only file system" in machine.run(PROGRAM, "ask", "show", outside, "--json")
    assert machine.run("stat", "-c", "%U %a", "/var/lib/mainstay-root", "/run/mainstay-root.sock").split() == [
        "root", "700", "mainstay", "600",
    ]  # fmt: skip


def test_forged_requests_to_root_are_refused_and_told(machine: Machine) -> None:
    run = rotate_as_root(machine, "asked")["id"]
    shown = json.loads(machine.run(PROGRAM, "ask", "show", run, "--json"))["run"]
    step = shown["tasks"][0]["steps"][0]["step"]
    question = {"do": "act", "task": "system.rotate", "run": run, "step": step}
    planted = {**question, "step": {**step, "on": ["log", "/etc/shadow"]}}
    assert "step.on: ['log', '/etc/shadow'] is asked for" in refused(machine, planted)
    assert "step.args.uid: 1000 is asked for, here it is 0" in refused(
        machine, {**question, "step": {**step, "args": {**step["args"], "uid": 1000}}}
    )
    assert "this was never planned here" in refused(machine, {**question, "run": "20260101T000000-rooted-0000"})
    assert "`privilege: root` / logs" in refused(machine, {"do": "look", "task": "logs.rotate"}).replace('", "on": "', " / ")
    assert "Permission denied" in refused(machine, question, user="bob")
    machine.run("chown", "mainstay", "/etc/mainstay/mainstay.yaml")
    assert "root does not act on a configuration that others may change" in refused(machine, question)
    machine.run("chown", "root", "/etc/mainstay/mainstay.yaml")
    assert "system.rotate" in machine.told()


def test_a_killed_service_starts_again_and_goes_on(machine: Machine) -> None:
    before, run = machine.show("mainstay", "MainPID"), newest(machine)["id"]
    machine.run("kill", "-9", before)
    machine.wait("it is up again", "sh", "-c", f'test "$(systemctl show mainstay -p MainPID --value)" -gt {before}', seconds=30)
    machine.wait("it answers", PROGRAM, "ask", "status", seconds=30)
    assert next_run(machine, run, "kill-9")["verdict"] == "pass"
    assert not status(machine)["open_runs"]


def test_a_service_that_stands_still_is_ended_by_the_watchdog_and_starts_again(machine: Machine) -> None:
    drop_in = machine.root / "etc/systemd/system/mainstay.service.d/short.conf"
    drop_in.parent.mkdir()
    drop_in.write_text("[Service]\nWatchdogSec=6\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "restart", "mainstay")
    time.sleep(9)
    before = machine.show("mainstay", "MainPID")
    assert machine.show("mainstay", "NRestarts") == "0"  # it is fed
    run, began = newest(machine)["id"], time.monotonic()
    machine.run("kill", "-STOP", before)
    machine.wait("it is up again", "sh", "-c", 'test "$(systemctl show mainstay -p NRestarts --value)" = 1', seconds=60)
    machine.wait("it answers", PROGRAM, "ask", "status", seconds=60)
    print(f"\nwatchdog of 6 s: a service that hangs was ended, and the next one answered after {time.monotonic() - began:.0f} s")
    assert "watchdog" in machine.told().lower()
    assert next_run(machine, run, "watchdog")["verdict"] == "pass"
    shutil.rmtree(drop_in.parent)
    machine.run("systemctl", "daemon-reload")


def test_it_is_there_again_when_the_machine_has_rebooted(machine: Machine) -> None:
    run = newest(machine)["id"]
    machine.reboot()
    machine.wait("it answers", PROGRAM, "ask", "status", seconds=30)
    assert next_run(machine, run, "reboot")["verdict"] == "pass"
    rotate_as_root(machine, "second")


def test_the_settle_timer_runs_beside_the_service(machine: Machine) -> None:
    machine.run("systemctl", "start", "mainstay-settle.service")
    assert machine.show("mainstay-settle.service", "Result") == "success"
    assert machine.show("mainstay-settle.timer", "ActiveState") == "active"


@pytest.mark.covers("SEC-04")
def test_others_ask_and_get_what_their_group_may(machine: Machine) -> None:
    assert "mainstay serve is at work" in machine.run("setpriv", "--reuid=alice", "--init-groups", PROGRAM, "status")
    why = machine.run("setpriv", "--reuid=alice", "--init-groups", PROGRAM, "run", "minutely", code=3)
    assert "operators may look only" in why
    assert "you may not look here (bob)" in machine.run("setpriv", "--reuid=bob", "--init-groups", PROGRAM, "status", code=3)


def test_a_reload_takes_a_new_configuration_and_keeps_the_old_one_when_it_is_wrong(machine: Machine) -> None:
    file = machine.root / "etc/mainstay/mainstay.yaml"
    file.write_text(CONFIGURATION.replace("size: 1kB", "sise: 1kB"))
    machine.run("systemctl", "reload", "mainstay")
    machine.wait(
        "it is told", "sh", "-c", "journalctl -u mainstay | grep -q 'not reloaded, the old configuration stays'", seconds=10
    )
    assert status(machine)["service"]["alive"]
    file.write_text(CONFIGURATION.replace("site: shop", "site: corner-shop"))
    machine.run("systemctl", "reload", "mainstay")
    machine.wait("it is taken", "sh", "-c", f"{PROGRAM} ask status --json | grep -q corner-shop", seconds=10)
    file.write_text(CONFIGURATION)
    machine.run("systemctl", "reload", "mainstay")


def test_systemd_has_nothing_to_remark_about_the_units(machine: Machine) -> None:
    names = (
        "mainstay.service",
        "mainstay-settle.service",
        "mainstay-root@.service",
        "mainstay-settle.timer",
        "mainstay-root.socket",
    )
    units = [f"/etc/systemd/system/{name}" for name in names]
    assert machine.run("systemd-analyze", "verify", *units) == ""
    for unit in units[:3]:
        told = machine.run("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
        exposure = re.search(r"exposure level for \S+: ([\d.]+)", told)
        assert exposure is not None
        print(f"exposure of {unit.rpartition('/')[2]}: {exposure[1]}")
        assert float(exposure[1]) <= (2.5 if "root" in unit else 2.0)


def test_stopping_takes_less_than_ten_seconds_and_removing_leaves_the_ledger(machine: Machine) -> None:
    machine.run("systemctl", "stop", "mainstay")
    assert machine.show("mainstay", "Result") == "success"
    machine.run(PROGRAM, "install")
    assert "remove" not in machine.run(PROGRAM, "install")
    file = machine.root / "etc/mainstay/mainstay.yaml"
    file.write_text(CONFIGURATION.replace("privilege: root, ", ""))
    assert "remove /etc/systemd/system/mainstay-root.socket" in machine.run(PROGRAM, "install")  # nothing needs it any more
    file.write_text(CONFIGURATION)
    machine.run(PROGRAM, "install")
    told = machine.run(PROGRAM, "install", "--remove")
    assert "kept: the user mainstay and /var/lib/mainstay" in told
    assert not list((machine.root / "etc/systemd/system").rglob("mainstay*"))
    assert (machine.root / "var/lib/mainstay/journal.db").exists()
