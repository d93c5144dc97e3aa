"""Real streams: a pipe whose reader goes away, an encoding without our marks, a terminal, and no terminal."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from mainstay.ledger import events
from mainstay.ledger.events import Event
from mainstay.model.run import RunRecord, Status
from mainstay.report import terminal
from mainstay.report.document import Cell, Entries, Entry
from mainstay.report.marks import ASCII
from mainstay.report.progress import Pace, Progress
from tests.report.sample import NOW, bad

ROOT = Path(__file__).parents[2]
SHOW = (
    "from mainstay.report import terminal; from mainstay.report.render import document; from mainstay.report.run import build; "
    "from tests.report.sample import *; terminal.show(document(build(bad(), weeks(), NOW)))"
)


def python(code: str, **more: str) -> subprocess.Popen[bytes]:
    seen = {**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}", **more}
    return subprocess.Popen([sys.executable, "-c", code], env=seen, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_a_reader_who_goes_away_is_no_error() -> None:
    process = python(SHOW + "; print('more')")
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert (process.wait(timeout=30), process.stderr.read()) == (0, b"")
    process.stderr.close()


def test_a_long_name_at_the_right_of_an_entry_leaves_room_for_its_title() -> None:
    entry = Entry(Cell("✓", "good"), "monthly-compaction-and-cleanup: pass", f"20261128T020000-{'x' * 30}-0000")
    assert terminal.lines(Entries((entry,))).splitlines() == [f"✓ {entry.title}", f"  {entry.meta}"]


def test_a_stream_without_our_marks_gets_others() -> None:
    output, errors = python(SHOW, PYTHONIOENCODING="ascii").communicate(timeout=30)
    assert errors == b""
    assert b"x safe.backup" in output
    assert output.isascii()


def on_terminal(width: int, **more: str) -> bytes:
    leader, follower = pty.openpty()
    seen = {**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}", "COLUMNS": str(width), "TERM": "xterm", **more}
    with subprocess.Popen([sys.executable, "-c", SHOW], env=seen, stdout=follower, stderr=follower) as process:
        os.close(follower)
        shown = b""
        while part := _read(leader):
            shown += part
        assert process.wait(timeout=30) == 0
    os.close(leader)
    return shown


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 65536)
    except OSError:  # the other end is closed
        return b""


def test_a_terminal_gets_colours_unless_they_are_not_wanted() -> None:
    assert b"\x1b[" in on_terminal(80)
    assert b"\x1b[" not in on_terminal(80, NO_COLOR="1")


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def follow(stream: io.StringIO, ticks: list[float]) -> None:
    """Live through the bad Sunday as the engine tells it."""
    times = iter(ticks)
    run = bad()
    with Progress(stream, lambda: next(times, ticks[-1])) as progress:
        for task in run.tasks[1:3]:
            part = RunRecord(run.id, run.routine, run.launched_by, Status.RUNNING, run.began, tasks=(task,))
            progress.event(part, _event(events.STEP_ENDED, task.id))
            for done in (1e9, 2e9):
                progress.progress(task.id, done, 4e9, "B")
            progress.event(part, _event(events.TASK_ENDED, task.id))


def _event(kind: str, task: str) -> Event:
    return Event(1, NOW, kind, "r", task, {}, "")


@pytest.mark.parametrize("screen", [io.StringIO, Screen])
def test_what_has_ended_stays_in_sight(screen: type[io.StringIO]) -> None:
    stream = screen()
    follow(stream, [0.0, 1.0])
    assert "safe.backup: restore_scratch" in stream.getvalue()
    assert "changed in 14m58s, forecast 6m17s" in stream.getvalue()


def test_off_a_terminal_progress_is_a_line_every_ten_seconds() -> None:
    stream = io.StringIO()
    follow(stream, [0.0, 0.0, 5.0, 11.0])
    lines = [line for line in stream.getvalue().splitlines() if " of 4 GB" in line]
    assert len(lines) == 1
    assert "2 GB of 4 GB, 182 MB/s, 11s left" in lines[0]
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    ("pace", "told"),
    [
        (Pace(250, 1000, "rows", 5), "250 of 1,000 rows, 50 rows/s, 15s left"),
        (Pace(250, 1000, "pages scanning heap", 5), "scanning heap, 250 of 1,000 pages, 50 pages/s, 15s left"),
        (Pace(0, 0, "pages waiting for writers before build", 2), "waiting for writers before build, 2s"),
        (Pace(2e9, 4e9, "B", 2), "2 GB of 4 GB, 1 GB/s, 2s left"),
        (Pace(3, 0, "files", 2), "3 files, 1.5 files/s"),
        (Pace(elapsed=timedelta(minutes=2).total_seconds()), "2m"),
        (Pace(10, 10, "", 0.2), "10 of 10"),
    ],
)
def test_a_pace_says_how_much_how_fast_and_how_long(pace: Pace, told: str) -> None:
    assert str(pace) == told


def test_a_bar_is_full_at_the_end_and_never_fuller() -> None:
    assert Pace(12, 10).bar == "━" * 16
    assert Pace(5, 0).bar == ""


def test_marks_have_a_plain_form() -> None:
    assert "✓→━".translate(ASCII) == "+>-"
