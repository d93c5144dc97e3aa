"""The changelog that a Debian package carries: which versions there were, when, and for which suite (deb-changelog(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_HEAD = re.compile(r"^[a-z0-9][a-z0-9+.-]* \(([^() \t]+)\)((?:[ \t]+[A-Za-z0-9.+-]+)+);(.*)$", re.IGNORECASE)
_SIGNED = re.compile(r"^ -- .*>  ?(.*)$")
_FIRST = 1993  # the year of Debian's first release: an earlier date is none
_URGENCY = re.compile(r"\burgency=([a-z]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One version of a source package. `published` is when its maintainer signed the entry, before any archive had it."""

    version: str
    published: datetime
    suites: tuple[str, ...] = ()
    urgency: str = ""


def entries(text: str) -> Iterator[Entry]:
    """Yield the entries of a changelog in their order; one whose date cannot be read is left out."""
    head: re.Match[str] | None = None
    for line in text.splitlines():
        if found := _HEAD.match(line):
            head = found
        elif head and (signed := _SIGNED.match(line)):
            if at := _date(signed[1]):
                urgency = _URGENCY.search(head[3])
                yield Entry(head[1], at, tuple(head[2].split()), urgency[1].lower() if urgency else "")
            head = None


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)) if at.year >= _FIRST else None
