"""How rotated parts are named: `app.log-20261104T010000Z-01`, and `.zst` once compressed. By name they sort by time."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import PurePath

ZST = ".zst"
_STAMP = "%Y%m%dT%H%M%SZ"
_PART = re.compile(r"(?s)(?P<log>.+)-(?P<stamp>\d{8}T\d{6}Z)-(?P<turn>\d{2,})(?P<zst>\.zst)?")
_FOREIGN = re.compile(r"(?s)(?P<log>.+?)(?:\.\d+|-\d{8}(?:-\d+)?)?(?:\.(?:gz|zst|xz|bz2|lz4|Z|zip))?")


@dataclass(frozen=True)
class PartName:
    """What the name of a rotated part says; `turn` tells parts of one second apart."""

    log: str
    stamp: datetime
    turn: int
    compressed: bool


def parse(name: str) -> PartName | None:
    """Read the name of a part; None when it is no name of ours."""
    match = _PART.fullmatch(name)
    if not match:
        return None
    try:
        stamp = datetime.strptime(match["stamp"], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return PartName(match["log"], stamp, int(match["turn"]), bool(match["zst"]))


def free(log: str, at: datetime, taken: Iterable[str]) -> str:
    """Return the first name for a part of this moment that no part has, compressed or not."""
    stem = f"{log}-{at.astimezone(UTC).strftime(_STAMP)}"
    turns = [part.turn for part in map(parse, taken) if part and f"{part.log}-{part.stamp.strftime(_STAMP)}" == stem]
    return f"{stem}-{max(turns, default=0) + 1:02}"


def foreign(name: str) -> str:
    """Return the log that a name is another rotator's part of (`app.log.1`, `app.log-20261104.gz`), or ""."""
    match = _FOREIGN.fullmatch(name)
    return match["log"] if match and match["log"] != name else ""


def matches(path: str, pattern: str) -> bool:
    """Say whether a path has the shape of a pattern; `*` stays within a folder, `**` does not, and hidden names are left out."""
    return _matches(PurePath(path).parts, PurePath(pattern).parts)


def _matches(path: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    if not pattern or not path:
        return not path and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return any(_matches(path[start:], pattern[1:]) for start in range(len(path) + 1))
    hidden = path[0].startswith(".") and not pattern[0].startswith(".")
    return not hidden and fnmatchcase(path[0], pattern[0]) and _matches(path[1:], pattern[1:])
