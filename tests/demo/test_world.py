"""The world of the demo is a real one, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mainstay.demo.audit import audit, lines
from mainstay.demo.world import LOGS, World, world
from mainstay.demo.writer import pid_file
from mainstay.model.errors import Refused
from mainstay.model.units import Duration
from mainstay.system import clock

ALONE = "import sys, time; from pathlib import Path; from mainstay.demo.world import world\n" + (
    "with world(Path(sys.argv[1])):\n    print('made', flush=True)\n    time.sleep(60)\n"
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("demo") / "world") as made:
        yield made


def processes_of(folder: Path) -> list[int]:
    """Return the processes that were started for a world."""
    wanted = f"\0--dir\0{folder}\0".encode()
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and wanted in _arguments(entry)]


def _arguments(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def until(true: Callable[[], bool], what: str) -> None:
    deadline = clock.Deadline(Duration(20))
    while not true():
        deadline.check(what)
        clock.sleep(0.05)


def test_the_database_is_large_live_and_nearly_half_empty(running: World) -> None:
    with closing(sqlite3.connect(running.folder / "data" / "shop.db")) as db:
        pages, free = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count"))
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        rows, newest = db.execute("SELECT count(*), max(id) FROM orders").fetchone()
        until(lambda: db.execute("SELECT max(id) FROM orders").fetchone()[0] > newest, "a new order")
    assert rows >= 200_000
    assert free / pages > 0.4


def test_there_are_more_than_100_megabytes_of_logs(running: World) -> None:
    assert size_of_logs(running) > 100_000_000


@pytest.mark.parametrize("log", LOGS)
def test_both_writers_open_their_logs_for_appending(running: World, log: str) -> None:
    process = Path("/proc") / pid_file(running.folder, log).read_text(encoding="ascii")
    found = [file.name for file in (process / "fd").iterdir() if os.readlink(file) == str(running.folder / "logs" / log)]
    flags = (process / "fdinfo" / found[0]).read_text(encoding="ascii").split("flags:")[1].split()[0]
    assert int(flags, 8) & os.O_APPEND


def test_the_writer_of_app_log_opens_it_anew_on_hangup(running: World) -> None:
    live, old = rotate_by_hand(running, "app.log")
    until(lambda: live.exists() and live.stat().st_size > 0, "a new log")
    assert old.exists()


def test_the_writer_of_audit_log_goes_on_in_the_old_file(running: World) -> None:
    live, old = rotate_by_hand(running, "audit.log")
    size = old.stat().st_size
    until(lambda: old.stat().st_size > size, "more lines in the old file")
    assert not live.exists()


def rotate_by_hand(running: World, log: str) -> tuple[Path, Path]:
    live, old = running.folder / "logs" / log, running.folder / "logs" / f"{log}-20260101"
    live.rename(old)
    os.kill(int(pid_file(running.folder, log).read_text(encoding="ascii")), signal.SIGHUP)
    return live, old


def test_a_folder_with_files_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(Refused, match="empty folder"), world(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_every_request_and_line_of_a_whole_life_is_accounted_for(tmp_path: Path) -> None:
    with world(tmp_path / "world") as made:
        before = size_of_logs(made)
        until(lambda: size_of_logs(made) > before, "live lines")
    result = audit(made.folder, LOGS)
    assert result.clean, result
    assert result.traffic.requests > 0
    assert processes_of(made.folder) == []


def size_of_logs(made: World) -> int:
    return sum((made.folder / "logs" / log).stat().st_size for log in LOGS)


def test_the_shells_copy_and_truncate_loses_lines_and_the_audit_says_so(tmp_path: Path) -> None:
    with world(tmp_path / "world") as made:
        live = made.folder / "logs" / "app.log"
        subprocess.run(["cp", live, f"{live}-20260101"], check=True, timeout=30)
        size = live.stat().st_size
        until(lambda: live.stat().st_size > size, "lines between copy and truncate")
        subprocess.run(["truncate", "-s", "0", live], check=True, timeout=30)
    assert lines(made.folder, "app.log").lost > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_nothing_is_left_when_the_demo_is_ended(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "world"
    argv = [sys.executable, "-c", ALONE, str(folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline() == b"made\n"
        assert len(processes_of(folder)) == 4
        demo.send_signal(number)
    until(lambda: not processes_of(folder), "the end of all processes")
