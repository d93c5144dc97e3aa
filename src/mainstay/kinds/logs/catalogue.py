"""The list of what an archive holds: `catalogue.jsonl` at its top, a line for each part that came or went; it only grows."""

from __future__ import annotations

import fcntl
import json
import os
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from mainstay.kinds.logs.folder import write_all
from mainstay.model.units import Size
from mainstay.system.files import no_space

NAME = "catalogue.jsonl"
_ISO = re.compile(rb"\b(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d")
_CLF = re.compile(rb"\[(\d\d/[A-Z][a-z]{2}/\d{4}):\d\d:\d\d:\d\d")


@dataclass(frozen=True)
class Entry:
    """A part in the archive: its log, its path there, the digest and bytes of the file, the bytes and dates of its content."""

    stream: str
    part: str
    stamp: str
    sha256: str = ""
    bytes: Size = Size(0)
    content: Size = Size(0)
    first: str = ""
    last: str = ""
    removed: str = ""

    @property
    def rotated(self) -> datetime:
        """When it was rotated."""
        return datetime.fromisoformat(self.stamp)


def read(archive: Path) -> tuple[Entry, ...]:
    """Return what the archive holds now, oldest first. A line torn by a crash is not counted: what it tells was not finished."""
    entries: dict[str, Entry] = {}
    path = archive / NAME
    for line in path.read_bytes().splitlines() if path.exists() else ():
        try:
            entry = Entry(**json.loads(line))
        except ValueError:
            continue
        entries[entry.part] = entry
    return tuple(sorted((entry for entry in entries.values() if not entry.removed), key=lambda entry: (entry.stamp, entry.part)))


def write(archive: Path, entry: Entry) -> None:
    """Append an entry, durably, unless it is the last word on its part already."""
    line = json.dumps(asdict(entry), sort_keys=True).encode() + b"\n"
    path = archive / NAME
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    with no_space(path, Size(len(line))):
        fd = os.open(path, flags, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            size = os.fstat(fd).st_size
            torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
            write_all(fd, (b"\n" if torn else b"") + line)
            os.fsync(fd)
        finally:
            os.close(fd)


def content_date(text: bytes, *, last: bool) -> str:
    """Find the first or the last date (YYYY-MM-DD) in a piece of a log, or "": ISO 8601 and Common Log Format are read."""
    found = [match[1].decode() for match in _ISO.finditer(text)]
    if not found:
        found = [_from_clf(match[1].decode()) for match in _CLF.finditer(text)]
    return (found[-1] if last else found[0]) if found else ""


def _from_clf(text: str) -> str:
    day, month, year = text.split("/")
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{year}-{months.index(month) + 1:02}-{day}" if month in months else ""
