"""Who asked the service for what, and what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mainstay.ledger.events import ACCESS_GRANTED, Event
from mainstay.report.document import Cell, Document, Entry, Paragraph, Section, listed, plural
from mainstay.report.quantity import moment


@dataclass(frozen=True)
class Question:
    """One question. `because` is why it was refused, `unwritten` how often the same was refused before, unwritten."""

    at: datetime
    by: str
    uid: int
    words: tuple[str, ...]
    granted: bool
    because: str = ""
    unwritten: int = 0


def of(event: Event) -> Question:
    """Return the question that an event is about."""
    body = event.body
    words, why, before = tuple(body["words"]), body.get("because", ""), body.get("unwritten", 0)
    return Question(event.at, body["by"], body["uid"], words, event.kind == ACCESS_GRANTED, why, before)


def document(asked: Sequence[Question], now: datetime) -> Document:
    """Tell the questions."""
    content = listed(asked, lambda one: _entry(one, now)) if asked else Paragraph("Nobody has asked for anything.", "muted")
    return Document("Access", Cell(plural(len(asked), "question")), "", sections=(Section("", (content,)),))


def _entry(one: Question, now: datetime) -> Entry:
    mark = Cell("✓", "good") if one.granted else Cell("✗", "bad")
    times = f" (and {one.unwritten} times before)" if one.unwritten else ""
    why = tuple(Cell(line.strip()) for line in one.because.splitlines())
    return Entry(mark, f"{one.by}: {' '.join(one.words)}{times}", moment(one.at, now), why)
