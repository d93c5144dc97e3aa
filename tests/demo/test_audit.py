"""The reckoning of the demo finds what went wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from mainstay.demo import audit, load, writer
from mainstay.model.units import Duration

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LINES = [f"{number:010d} an ordinary line\n".encode() for number in range(100)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "run").mkdir()
    writer.written_file(tmp_path, "app.log").write_text("100", encoding="ascii")
    return tmp_path


def put(folder: Path, name: str, lines: list[bytes]) -> None:
    content = b"".join(lines)
    (folder / "logs" / name).write_bytes(zstd.compress(content) if name.endswith(".zst") else content)


def test_lines_in_compressed_rotated_and_live_parts_are_all_found(folder: Path) -> None:
    put(folder, "app.log-20260101.zst", LINES[:30])
    put(folder, "app.log-20260102", LINES[30:70])
    put(folder, "app.log", LINES[70:])
    assert audit.lines(folder, "app.log") == audit.Lines("app.log", written=100, lost=0, doubled=0, broken=0, parts=3)


def test_a_part_in_the_archive_is_found(folder: Path) -> None:
    (folder / "archive" / "logs").mkdir(parents=True)
    (folder / "archive" / "logs" / "app.log-20260101").write_bytes(b"".join(LINES[:30]))
    put(folder, "app.log", LINES[30:])
    assert audit.lines(folder, "app.log").lost == 0


def test_a_line_that_is_cut_at_a_block_is_joined_again(folder: Path) -> None:
    content = b"".join(LINES)
    put(folder, "app.log-20260101", [content[:1234]])
    put(folder, "app.log", [content[1234:]])
    assert audit.lines(folder, "app.log") == audit.Lines("app.log", written=100, lost=0, doubled=0, broken=0, parts=2)


@pytest.mark.parametrize(
    ("rotated", "live", "wrong"),
    [
        (LINES[:49], LINES[50:], {"lost": 1, "doubled": 0, "broken": 0}),
        (LINES[:51], LINES[50:], {"lost": 0, "doubled": 1, "broken": 0}),
        ([*LINES[:50], b"half a li\n"], LINES[50:], {"lost": 0, "doubled": 0, "broken": 1}),
        (LINES[:50], [*LINES[50:99], LINES[99][:-1]], {"lost": 1, "doubled": 0, "broken": 1}),
    ],
    ids=["lost", "doubled", "broken", "torn at the end"],
)
def test_a_wrong_line_is_counted(folder: Path, rotated: list[bytes], live: list[bytes], wrong: dict[str, int]) -> None:
    put(folder, "app.log-20260101", rotated)
    put(folder, "app.log", live)
    found = audit.lines(folder, "app.log")
    assert {name: getattr(found, name) for name in wrong} == wrong


def test_a_failed_request_is_never_clean(folder: Path) -> None:
    reads = {"requests": 10, "failed": 1, "worst": 0.2, "total": 1.0, "failures": ["GET /orders: status 500"]}
    writes = {"requests": 10, "failed": 0, "worst": 0.3, "total": 1.0, "failures": []}
    (folder / load.FIGURES).write_text(json.dumps({"reads": reads, "writes": writes}), encoding="utf-8")
    put(folder, "app.log", LINES)
    result = audit.audit(folder, ["app.log"])
    assert result.traffic == audit.Traffic(requests=20, failed=1, worst=Duration(0.3), failures=("GET /orders: status 500",))
    assert not result.clean
