"""`mainstay emergency` as people call it: at a terminal, by options, and from a timer an hour later."""

from __future__ import annotations

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shop import Shop
from tests.notify.mailbox import Mailbox, serve

RULES = """
emergencies:
  notice_within: 2m
  contacts: {on-call: "+49 30 1234", manager: bob@example.com}
  escalation: [{after: 15m, to: on-call}, {after: 60m, to: manager}]
  severities: {S2: {meaning: most users are hindered, respond: 20m, update: 40m, contacts: [on-call]}}
"""
ANSWERS = ("--not-vulnerable", "--exposed", "--used", "--data-safe")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop.built(tmp_path / "shop")
    with (made.folder / "mainstay.yaml").open("a") as file:
        file.write(RULES)
    return made


def later(shop: Shop, minutes: int) -> str:
    """Return what `mainstay remind` prints so many minutes later, by the clock of the system."""
    program = [sys.executable, "-c", "from mainstay.cli.main import main; main()", "remind"]
    command = ["faketime", "-f", f"+{minutes}m", *program]
    return subprocess.run(command, cwd=shop.folder, text=True, capture_output=True, check=True, timeout=60).stdout


@pytest.mark.covers("EMG-03")
def test_the_table_gives_the_severity_with_its_times_and_contacts(shop: Shop) -> None:
    printed = shop.run("emergency", "open", "--assess", *ANSWERS, "--users", "most", "--reason", "slow")
    assert "EM-" in printed
    assert "is open: S2, most users are hindered" in printed
    assert "assessed: users most" in printed
    assert "within 20m, and to say how it stands every 40m" in printed
    assert "tell on-call: +49 30 1234" in printed
    assert "manager" not in printed


@pytest.mark.covers("EMG-03")
def test_at_a_terminal_the_questions_are_asked(shop: Shop) -> None:
    leader, follower = pty.openpty()
    os.write(leader, b"y\ny\ny\nnone\nn\n")
    words = ("emergency", "open", "--assess", "--reason", "a flaw in the framework")
    shop.run(*words, stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    os.close(leader)
    found = shop.json("emergency", "show")["emergency"]
    assert (found["severity"], found["because"]) == ("S1", "assessed: vulnerable, exposed, used")


def test_without_a_terminal_an_open_question_is_named(shop: Shop) -> None:
    assert "--users is not answered" in shop.run("emergency", "open", "--assess", *ANSWERS, "--reason", "slow", code=2)
    assert "--users few: not known" in shop.run(
        "emergency", "open", "--assess", *ANSWERS, "--users", "few", "--reason", "slow", code=2
    )
    assert "no severity 'S7'" in shop.run("emergency", "open", "--severity", "S7", "--reason", "slow", code=2)
    assert shop.json("emergency", "list")["emergencies"] == []


def test_the_status_names_it_until_it_is_closed(shop: Shop) -> None:
    shop.run("emergency", "open", "--severity", "S1", "--reason", "the shop is down")
    assert "the shop is down" in shop.run("status")
    assert [one["severity"] for one in shop.json("status")["emergencies"]] == ["S1"]
    shop.run("emergency", "close", "last", "--resolution", "up again")
    assert shop.json("status")["emergencies"] == []


@pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is not here")
def test_each_step_of_the_escalation_is_written_down_once_when_its_time_has_come(shop: Shop) -> None:
    shop.run("emergency", "open", "--severity", "S1", "--reason", "the shop is down")
    assert "nothing to remind of" in shop.run("remind")
    assert "tell on-call" in later(shop, 16)
    assert "nothing to remind of" in later(shop, 59)
    assert "tell manager" in later(shop, 61)
    assert "nothing to remind of" in later(shop, 62)
    told = shop.json("emergency", "show")["emergency"]["escalated"]
    assert [(one["after"], one["to"]) for one in told] == [
        (900.0, {"on-call": "+49 30 1234"}),
        (3600.0, {"manager": "bob@example.com"}),
    ]


@pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is not here")
def test_a_closed_one_reaches_nobody(shop: Shop) -> None:
    shop.run("emergency", "open", "--severity", "S1", "--reason", "the shop is down")
    shop.run("emergency", "close", "last", "--resolution", "up again")
    assert "nothing to remind of" in later(shop, 61)


def mailed(shop: Shop, port: int) -> None:
    """Give the shop a channel, a routine that begins with its backup and waits for a person, and a blackout of all the year."""
    file = shop.folder / "mainstay.yaml"
    text = file.read_text().replace("  launch:", "  security: {tasks: [safe.backup, mark.run, menu.sign]}\n  launch:", 1)
    text = text.replace("12-24..12-26", "01-01..12-31")
    way = f"smtp: {{host: 127.0.0.1, port: {port}, tls: none, sender: shop@example.org, to: [ops@example.org]}}"
    file.write_text(f"{text}notify:\n  mail: {{{way}, gets: [emergency]}}\n")


@pytest.mark.covers("EMG-01")
def test_an_emergency_run_passes_the_blackout_keeps_its_backup_and_escalates_until_it_is_over(shop: Shop, free_port: int) -> None:
    mailbox = Mailbox()
    server = serve(mailbox, free_port)
    mailed(shop, free_port)
    assert "blackout" in shop.run("run", "security", "--yes")
    shop.run("run", "security", "--yes", "--emergency", "--approver", "bob", "--reason", "CVE-2026-1")
    record = shop.last()
    assert [task["status"] for task in record["tasks"]] == ["changed", "changed", "waiting"]
    assert record["emergency"] == {"approver": "bob", "reason": "CVE-2026-1"}
    assert [one["text"] for one in record["remarks"] if one["act"] == "noted"] == ["told: mail to ops@example.org"]
    assert f"{record['id']} is open for more than 15m: tell on-call" in later(shop, 16)
    assert f"{record['id']} is open for more than 1h: tell manager" in later(shop, 61)
    assert "nothing to remind of" in later(shop, 62)
    shop.run("notify", "send")
    shop.run("sign", "last", "menu.sign")
    assert "nothing to remind of" in later(shop, 600)
    server.stop()
    assert [mail["Subject"].strip() for mail in mailbox.mails] == [
        "corner-shop: EMERGENCY: security",
        f"corner-shop: EMERGENCY is not over after 15m: {record['id']}",
        f"corner-shop: EMERGENCY is not over after 1h: {record['id']}",
    ]
    assert "manager: bob@example.com" in mailbox.mails[2].get_content()


@pytest.mark.covers("EMG-04")
def test_one_command_opens_it_in_emergency_mode_and_closing_takes_that_back(shop: Shop) -> None:
    file = shop.folder / "mainstay.yaml"
    file.write_text(file.read_text().replace("emergencies:\n", "emergencies:\n  mode: [mark.hold]\n", 1))
    shop.run("emergency", "open", "--severity", "S2", "--reason", "orders fail", "--mode")
    assert (shop.folder / "mark").exists()
    assert shop.json("emergency", "show")["emergency"]["mode"]["modes"] == ["mark.hold"]
    shop.run("emergency", "close", "last", "--resolution", "mended")
    assert not (shop.folder / "mark").exists()
    found = shop.json("emergency", "show")["emergency"]
    assert (found["mode"], found["resolution"]) == (None, "mended")
    report = shop.run("emergency", "report", "last", "--format", "markdown")
    assert "emergency mode on" in report
    assert "emergency mode off" in report


def test_a_mode_that_is_no_task_is_told_with_its_line(shop: Shop) -> None:
    file = shop.folder / "mainstay.yaml"
    file.write_text(file.read_text().replace("emergencies:\n", "emergencies:\n  mode: [mark.hodl]\n", 1))
    line = file.read_text().splitlines().index("  mode: [mark.hodl]") + 1
    told = shop.run("check-config", code=2)
    assert f"mainstay.yaml:{line}" in told
    assert "hold" in told
