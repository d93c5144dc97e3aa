"""The reckoning after the demo: was every request answered, and is every log line still there, exactly once?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from mainstay.demo import load, writer
from mainstay.model.units import Duration

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


@dataclass(frozen=True)
class Lines:
    """What became of the numbered lines of one log, over its live, rotated, compressed and archived parts."""

    log: str
    written: int
    lost: int
    doubled: int
    broken: int  # pieces that are no whole line
    parts: int


@dataclass(frozen=True)
class Traffic:
    """What the application's customers saw from the first request to the last."""

    requests: int
    failed: int
    worst: Duration
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """The whole reckoning."""

    traffic: Traffic
    logs: tuple[Lines, ...]

    @property
    def clean(self) -> bool:
        """True when no request failed and no line was lost, doubled or broken."""
        return not self.traffic.failed and not any(log.lost or log.doubled or log.broken for log in self.logs)


def audit(folder: Path, logs: Iterable[str]) -> Audit:
    """Count what a stopped world left in its folder."""
    return Audit(traffic(folder), tuple(lines(folder, log) for log in logs))


def traffic(folder: Path) -> Traffic:
    """Read the figures of the customers."""
    figures = json.loads((folder / load.FIGURES).read_text(encoding="utf-8")).values()
    return Traffic(
        requests=sum(one["requests"] for one in figures),
        failed=sum(one["failed"] for one in figures),
        worst=Duration(max(one["worst"] for one in figures)),
        failures=tuple(problem for one in figures for problem in one["failures"]),
    )


def lines(folder: Path, log: str) -> Lines:
    """Count each line of a log by its number; each has to be there once."""
    written = int(writer.written_file(folder, log).read_text(encoding="ascii"))
    found, seen, broken = parts(folder, log), bytearray(written), 0
    for line in _whole_lines(found):
        number = line[: writer.DIGITS]
        if number.isdigit() and line.endswith(b"\n") and int(number) < written:
            seen[int(number)] = min(2, seen[int(number)] + 1)
        else:
            broken += 1
    return Lines(log, written, seen.count(0), seen.count(2), broken, len(found))


def parts(folder: Path, log: str) -> tuple[Path, ...]:
    """Find the files that a log is spread over, oldest first: their names carry dates, and the live one comes last."""
    stem = log.partition(".")[0]
    below = (path for name in ("logs", "archive") for path in (folder / name).rglob(f"{stem}*") if path.is_file())
    return tuple(sorted(below, key=lambda path: (path.name == log, path.name)))


def _whole_lines(files: Iterable[Path]) -> Iterator[bytes]:
    """Yield the lines of several files as of one: a cut at a block's edge leaves half a line on each side."""
    rest = b""
    for path in files:
        with _open(path) as file:
            for piece in file:
                line, rest = rest + piece, b""
                if line.endswith(b"\n"):
                    yield line
                else:
                    rest = line
    if rest:
        yield rest


def _open(path: Path) -> BufferedReader | zstd.ZstdFile:
    return zstd.open(path, "rb") if path.suffix == ".zst" else path.open("rb")
