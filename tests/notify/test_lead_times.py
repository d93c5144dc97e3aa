"""Every lead time of the runbooks, by the clock of the system and through a real mail server; and what a broken promise does."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.notify.conftest import Made
from tests.notify.mailbox import Mailbox
from tests.notify.test_mail import mail

pytestmark = pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is not here")
ROUTINE = "care: {tasks: [good.run: {budget: 1m}], window: care}"
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class At:
    """The program at a moment of a clock of its own."""

    folder: Path

    def __call__(self, moment: datetime, *words: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-c", "from mainstay.cli.main import main; main()", *words]
        command = ["faketime", "-f", f"@{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}", *program]
        env = {**os.environ, "TZ": "UTC", "COLUMNS": "200"}
        return subprocess.run(command, cwd=self.folder, env=env, text=True, capture_output=True, check=False, timeout=60)


def site(made: Made, port: int, rule: str, notices: list[str], more: str = "") -> None:
    window = f'care: {{rule: "{rule}", length: 2h, notices: {json.dumps(notices)}{more}}}'
    made(mail(port, "ops@example.org"), windows=window, routines=ROUTINE, more="emergencies: {notice_within: 2m}\n")


@pytest.mark.covers("NTF-01")
@pytest.mark.parametrize(
    ("rule", "slot", "lead", "due"),
    [
        ("sunday 02:00", "2026-11-08 01:00", "friday 15:00", "2026-11-06 14:00"),
        ("first sunday 03:00", "2026-12-06 02:00", "14d", "2026-11-22 02:00"),
        ("quarterly first sunday 01:00", "2027-01-03 00:00", "28d", "2026-12-06 00:00"),
        ("first saturday 22:00", "2026-11-07 21:00", "24h", "2026-11-06 21:00"),
        ("first sunday 03:00", "2026-11-01 02:00", "14d", "2026-10-18 01:00"),  # the clock changes between them
    ],
)
def test_each_lead_time_is_told_in_its_minute_and_not_before(
    made: Made, mailbox: Mailbox, mail_port: int, tmp_path: Path, rule: str, slot: str, lead: str, due: str
) -> None:
    site(made, mail_port, rule, [lead])
    at, moment = At(tmp_path), datetime.fromisoformat(due).replace(tzinfo=UTC)
    begins = datetime.fromisoformat(slot).replace(tzinfo=UTC)
    at(moment - MINUTE, "notify", "send")
    early = [str(mail["Subject"]) for mail in mailbox.mails]
    done = at(moment + MINUTE, "notify", "send")
    assert done.returncode == 0, done.stderr
    (told,) = [mail for mail in mailbox.mails if str(mail["Subject"]) not in early]
    (calendar,) = [part.get_content() for part in told.walk() if part.get_content_type() == "text/calendar"]
    assert f"DTSTART:{begins:%Y%m%dT%H%M%SZ}" in calendar
    assert told["Date"].datetime - moment < 10 * MINUTE


@pytest.mark.slow
@pytest.mark.covers("NTF-01")
def test_a_daily_routine_without_lead_times_tells_nobody_and_an_emergency_everybody_at_once(
    made: Made, mailbox: Mailbox, mail_port: int, tmp_path: Path
) -> None:
    site(made, mail_port, "daily 03:00", [])
    at, start = At(tmp_path), datetime(2026, 11, 8, 2, tzinfo=UTC)
    at(start - MINUTE, "notify", "send")
    assert at(start + MINUTE, "run", "care", "--scheduled").returncode == 0
    at(start + 2 * MINUTE, "notify", "send")
    assert mailbox.mails == []
    words = ("run", "care", "--emergency", "--approver", "bob", "--reason", "a flaw", "--yes")
    assert at(start + 3 * MINUTE, *words).returncode == 0
    assert mailbox.subjects("ops@example.org") == ["shop: EMERGENCY: care"]


def slot_of_november(made: Made, port: int, folder: Path, more: str) -> tuple[At, datetime]:
    site(made, port, "first sunday 03:00", ["14d", "friday 15:00"], more)
    return At(folder), datetime(2026, 12, 6, 2, tzinfo=UTC)


@pytest.mark.slow
@pytest.mark.covers("NTF-01")
def test_a_notice_that_was_never_delivered_is_said_by_ready_and_by_the_run(
    made: Made, mailbox: Mailbox, mail_port: int, tmp_path: Path
) -> None:
    at, start = slot_of_november(made, mail_port, tmp_path, "")
    at(start - timedelta(hours=35), "notify", "send")  # Friday's is delivered; nobody was at work two weeks before
    assert mailbox.subjects("ops@example.org")
    ready = at(start - timedelta(hours=1), "ready", "care")
    assert ready.returncode == 0, ready.stdout
    assert "notice promised for 14d: never delivered" in ready.stdout
    assert "friday" not in ready.stdout
    assert at(start + MINUTE, "run", "care", "--scheduled").returncode == 0
    assert "people were not told in time: notice promised for 14d: never delivered" in at(start, "show", "last").stdout


@pytest.mark.slow
@pytest.mark.covers("NTF-01")
def test_where_it_blocks_nothing_starts_by_itself_and_a_notice_in_time_lets_it(
    made: Made, mailbox: Mailbox, mail_port: int, tmp_path: Path
) -> None:
    at, start = slot_of_november(made, mail_port, tmp_path, ", untold: block")
    assert at(start - timedelta(hours=1), "ready", "care").returncode == 3
    refused = at(start + MINUTE, "run", "care", "--scheduled")
    assert refused.returncode == 3
    assert "people were not told in time" in refused.stderr
    following = datetime(2027, 1, 3, 2, tzinfo=UTC)
    for before in (timedelta(days=14), timedelta(hours=36)):
        assert at(following - before + MINUTE, "notify", "send").returncode == 0
    assert at(following + MINUTE, "run", "care", "--scheduled").returncode == 0


@pytest.mark.slow
def test_a_notice_that_came_too_late_is_as_good_as_none(made: Made, mailbox: Mailbox, mail_port: int, tmp_path: Path) -> None:
    at, start = slot_of_november(made, mail_port, tmp_path, ", untold: block")
    at(start - timedelta(days=12), "notify", "send")
    shown = at(start - timedelta(hours=40), "ready", "care").stdout
    assert "notice promised for 14d: delivered too late, 2026-11-24 02:00 UTC" in shown
