"""Sheets of checklists in the journal: what their events amount to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from mainstay.ledger import database, events
from mainstay.ledger.events import Event
from mainstay.ledger.journal import Journal
from mainstay.model.checklist import Answer, Item, Line, Sheet, Signature, same_person
from mainstay.model.codec import decode
from mainstay.model.units import Duration


def load(journal: Journal, id: str) -> Sheet | None:
    """Return a sheet, or None when the journal has none of that id."""
    return fold(journal.events(run=id))


def newest(journal: Journal, name: str, count: int) -> list[Sheet]:
    """Return the newest sheets of a checklist, newest first."""
    found = journal.ask(database.query("sheets"), name, count)
    return [sheet for id in dict.fromkeys(event.run for event in found) if (sheet := load(journal, id))]


def fold(of_one: Iterable[Event]) -> Sheet | None:
    """Return what the events of one sheet amount to; of two openings the first counts."""
    sheet: Sheet | None = None
    for event in of_one:
        if event.kind == events.CHECKLIST_OPENED and sheet is None:
            sheet = _opened(event)
        elif sheet and event.kind in _CHANGES:
            sheet = _CHANGES[event.kind](sheet, event)
    return sheet


def _opened(event: Event) -> Sheet:
    body = event.body
    items = ((group, decode(Item, item)) for group, item in body["items"])
    lines = tuple(Line(number, group, item) for number, (group, item) in enumerate(items, 1))
    due = datetime.fromisoformat(body["due"])
    return Sheet(event.run, body["name"], body["title"], due, event.at, tuple(body["signed_by"]), lines)


def _answered(sheet: Sheet, event: Event) -> Sheet:
    body = event.body
    given = {"answer": Answer(body["answer"]), "at": event.at, "by": body["by"], "text": body["text"]}
    lines = (replace(line, **given) if line.number == body["number"] else line for line in sheet.lines)
    return replace(sheet, lines=tuple(lines))


def _signed(sheet: Sheet, event: Event) -> Sheet:
    """Take a signature: of a content, a role and a person count once, and the first of two in a race."""
    body = event.body
    signed = [one for one in sheet.given if one.content == body["content"]]
    if any(one.role == body["role"] or same_person(one.by, body["by"]) for one in signed):
        return sheet
    given = Signature(event.at, body["by"], body["role"], body["login"], body["content"], body["text"])
    return replace(sheet, given=(*sheet.given, given))


def _reminded(sheet: Sheet, event: Event) -> Sheet:
    return replace(sheet, reminded=(*sheet.reminded, Duration(event.body["after"])))


_CHANGES: dict[str, Callable[[Sheet, Event], Sheet]] = {
    events.CHECKLIST_ANSWERED: _answered,
    events.CHECKLIST_SIGNED: _signed,
    events.CHECKLIST_REMINDED: _reminded,
}
