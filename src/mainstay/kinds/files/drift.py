"""Configuration files against the copies that somebody approved; which line differs is told, never what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from mainstay.kinds.files.documents import Document, documents
from mainstay.kinds.files.settings import Settings


@dataclass(frozen=True)
class Drift:
    """A file that is not as it was approved: `how` is changed, new or missing; `line` is the first that differs, 0 for none."""

    file: str
    how: str
    line: int = 0


def drifted(settings: Settings, named: Settings, read: list[Document], problems: list[str]) -> Iterator[Drift]:
    """Yield what differs between the files that were read and those below `approved`; nothing where no such folder is set."""
    if settings.approved is None:
        return
    copies = documents(replace(named, path=settings.approved), problems)
    approved = {one.file: one.text for one in copies if not one.skipped}
    present = {one.file: one.text for one in read}
    for file in sorted(approved | present):
        if file not in present:
            yield Drift(file, "missing")
        elif file not in approved:
            yield Drift(file, "new")
        elif present[file] != approved[file]:
            yield Drift(file, "changed", _first_difference(present[file], approved[file]))


def _first_difference(text: str, approved: str) -> int:
    pairs = zip_longest(text.splitlines(), approved.splitlines())
    return next((number for number, (mine, theirs) in enumerate(pairs, 1) if mine != theirs), 0)
