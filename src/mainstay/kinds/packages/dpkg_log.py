"""What dpkg's log tells of upgrades (dpkg(1), --log)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from mainstay.kinds.packages.versions import newer

_LINE = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ([a-z-]+) (.+)$", re.ASCII)
_NAMED = 10  # lines that cannot be read and are named


@dataclass(frozen=True)
class Upgrade:
    """An installed package that got a newer version; `at` is when that one was ready for use."""

    name: str  # with its architecture, such as libssl3:amd64
    old: str
    new: str
    at: datetime


@dataclass
class Log:
    """Upgrades that were finished, those under way, and the lines that cannot be read, the first of them by file and line.

    since  the time of the first line
    """

    upgrades: list[Upgrade] = field(default_factory=list)
    begun: dict[str, tuple[str, str]] = field(default_factory=dict)
    bad: int = 0
    named: list[str] = field(default_factory=list)
    since: datetime | None = None


def read(files: Iterable[tuple[str, str]], zone: tzinfo) -> Log:
    """Read files by name and text, oldest first. The log is written in local time; an hour that comes twice is the later one."""
    log = Log()
    for name, text in files:
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not _took(log, line, zone):
                log.bad += 1
                log.named += [f"{name}:{number}"] if len(log.named) < _NAMED else []
    return log


def _took(log: Log, line: str, zone: tzinfo) -> bool:
    """Take a line into account; False when it cannot be read."""
    found = _LINE.match(line)
    at = _moment(found[1], zone) if found else None
    if found is None or at is None:
        return False
    log.since = log.since or at
    words = found[3].split(" ")
    if found[2] == "upgrade":
        if len(words) != 3:
            return False
        log.begun[words[0]] = (words[1], words[2])
    elif found[2] == "status":
        if len(words) != 3:
            return False
        _status(log, words, at)
    elif found[2] in ("remove", "purge", "disappear"):
        log.begun.pop(words[0], None)
    return True


def _status(log: Log, words: list[str], at: datetime) -> None:
    state, name, version = words
    if state != "installed" or name not in log.begun:
        return
    old, new = log.begun.pop(name)
    if version == new and newer(new, old):  # else it was taken back, is the same once more, or an older one
        log.upgrades.append(Upgrade(name, old, new, at))


def _moment(text: str, zone: tzinfo) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone, fold=1).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
