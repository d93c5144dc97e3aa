"""`mainstay demo` keeps its promises: the shop serves throughout, no line is lost, and nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("mainstay")

pytestmark = pytest.mark.slow


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system that cannot cut a file at its head."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    folder = tmp_path / "memory"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", folder], check=True, timeout=10)
    yield folder
    subprocess.run(["umount", folder], check=True, timeout=10)


def demo(folder: Path) -> str:
    done = subprocess.run([COMMAND, "demo", "--dir", folder], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def promises_kept(told: str) -> bool:
    proven = "a restored copy equals the original: db, uploads" in told
    return proven and " 0 failed, the slowest" in told and told.count(" 0 lost, 0 doubled, 0 broken") == 2


def test_the_shop_serves_and_both_logs_are_complete(tmp_path: Path) -> None:
    told = demo(tmp_path / "shop")
    assert promises_kept(told), told
    assert {path.name for path in (tmp_path / "shop").glob("report-*.html")} == {"report-daily.html", "report-weekly.html"}
    assert left_behind(tmp_path / "shop") == []


def test_where_the_file_system_cannot_cut_a_log_it_is_left_alone_with_the_reason(memory: Path) -> None:
    told = demo(memory / "shop")
    assert promises_kept(told), told
    assert "auditlog.rotate log logs/audit.log: append_only: the file system cannot cut a file at its head" in told


def left_behind(folder: Path) -> list[str]:
    """Return the processes that were started for a folder."""
    return [entry.name for entry in Path("/proc").glob("[0-9]*") if str(folder).encode() in _arguments(entry)]


def _arguments(entry: Path) -> bytes:
    try:
        return (entry / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
