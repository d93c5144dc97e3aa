"""Fill in checklists: facts answer what they can, persons the rest; then persons sign what it amounts to."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mainstay.config.mistakes import nearest
from mainstay.engine.context import Context
from mainstay.ledger import checklists as remembered
from mainstay.ledger import events
from mainstay.model.checklist import Answer, Checklist, Line, Sheet, same_person
from mainstay.model.codec import encode
from mainstay.model.errors import ConfigError, Refused
from mainstay.people.answers import Answers
from mainstay.schedule import checklists as calendar
from mainstay.schedule.agenda import occurrence
from mainstay.system import clock

_RECENT = timedelta(days=1)  # what was due longer ago than this and its reminders is opened by persons only

_PAST = timedelta(days=31)  # nobody fills in an older sheet that was never opened, if the next one is nearer


@dataclass(frozen=True)
class Standing:
    """How a checklist stands: its newest sheet, and when it is due next."""

    checklist: Checklist
    sheet: Sheet | None
    next: datetime | None


class Checklists:
    """The checklists of a site."""

    def __init__(self, context: Context) -> None:
        self._context, self._journal, self._site = context, context.journal, context.site
        self._zone = ZoneInfo(context.site.timezone)

    def all(self) -> list[Standing]:
        """Tell how each stands."""
        return [self._standing(one) for one in self._site.checklists.values()]

    def sheet(self, what: str) -> Sheet:
        """Return the sheet that is to be filled in now, or one by its id; one that is not opened yet is blank."""
        if "@" in what:
            found = remembered.load(self._journal, what)
            if found is None:
                raise Refused("no such sheet", on=what, next="mainstay checklist list")
            return found
        known = self._site.checklists
        if what not in known:
            raise ConfigError(f"there is no checklist {what!r}", next=nearest(what, known) or "mainstay checklist list")
        return self._current(known[what])

    def answer(self, what: str, numbers: Sequence[int] = ()) -> Sheet:
        """Let facts answer these items, or every one that no person has answered; what is signed changes with the answer only."""
        sheet = self._opened(self.sheet(what))
        wanted = [line for line in sheet.lines if line.item.automatic and (line.number in numbers if numbers else not line.by)]
        answers = Answers(self._context)
        for line in wanted:
            found = answers.to(line.item)
            if found.answer is not line.answer or (found.text != line.text and not sheet.signatures):
                self._write(sheet, line, found.answer, "", found.text)
        return self.sheet(sheet.id)

    def answer_as(self, what: str, number: int, by: str, text: str, *, ok: bool) -> Sheet:
        """Write down a person's answer; against a fact, and of what is not in order, the remark has to say why."""
        sheet = self.sheet(what)
        line = {line.number: line for line in sheet.lines}.get(number)
        if line is None:
            raise Refused("there is no such item", on=f"{sheet.name} {number}", next=f"mainstay checklist show {sheet.name}")
        if not text and (not ok or line.item.automatic):
            why = "facts answer that item" if ok else "it is not in order"
            raise Refused("a remark is needed", on=f"{sheet.name} {number}", because=why, next="say why: --remark TEXT")
        self._write(self._opened(sheet), line, Answer.OK if ok else Answer.NOT_OK, by, text)
        return self.sheet(sheet.id)

    def sign(self, what: str, by: str, role: str, text: str) -> Sheet:
        """Sign a sheet as it stands, for a role; a person counts once, and so does a role."""
        sheet = self._opened(self.sheet(what))
        role = role or next(iter(sheet.missing), "")
        _may_sign(sheet, by, role, text)
        login = getpass.getuser()
        body = {"by": by, "role": role, "login": login, "content": sheet.content, "text": text}
        self._journal.append(events.CHECKLIST_SIGNED, body, run=sheet.id)
        signed = self.sheet(sheet.id)
        if not any(one.role == role and same_person(one.by, by) for one in signed.signatures):
            raise Refused("somebody else was faster", on=sheet.id, next=f"mainstay checklist show {sheet.id}")
        return signed

    def remind(self) -> list[Sheet]:
        """Open what is due, let facts answer it, and write down of whom something is still missing."""
        told = []
        for one in self._site.checklists.values():
            sheet = self._due_now(one)
            if sheet and not sheet.complete and self._remind(one, sheet):
                told.append(self.sheet(sheet.id))
        return told

    def _standing(self, one: Checklist) -> Standing:
        newest = remembered.newest(self._journal, one.name, 1)
        due = calendar.next_due(one.due, self._site.windows, clock.now(), self._zone) if one.due else None
        return Standing(one, newest[0] if newest else None, due)

    def _current(self, one: Checklist) -> Sheet:
        """Return the sheet of the newest occasion; without a calendar, the newest that is not complete."""
        now = clock.now()
        due = calendar.last_due(one.due, self._site.windows, now, self._zone) if one.due else None
        if due is None:
            newest = remembered.newest(self._journal, one.name, 1)
            return newest[0] if newest and not newest[0].complete else _blank(one, now)
        return remembered.load(self._journal, occurrence(one.name, due)) or _blank(one, self._nearest(one, due, now))

    def _nearest(self, one: Checklist, due: datetime, now: datetime) -> datetime:
        """Return the occasion that is to come instead of one long past."""
        if one.due is None or now - due < _PAST:
            return due
        coming = calendar.next_due(one.due, self._site.windows, now, self._zone)
        return coming if coming - now < now - due else due

    def _opened(self, sheet: Sheet) -> Sheet:
        """Open a blank sheet: from then on its form is the one that was written down."""
        if remembered.load(self._journal, sheet.id):
            return sheet
        body = {
            "name": sheet.name,
            "title": sheet.title,
            "due": sheet.due,
            "signed_by": sheet.signed_by,
            "items": [(line.group, line.item) for line in sheet.lines],
        }
        self._journal.append(events.CHECKLIST_OPENED, encode(body), run=sheet.id)
        return self.sheet(sheet.id)

    def _due_now(self, one: Checklist) -> Sheet | None:
        if one.due is None:
            return None
        due = calendar.last_due(one.due, self._site.windows, clock.now(), self._zone)
        if due is None or clock.now() - due > _RECENT + timedelta(seconds=max(one.remind, default=0)):
            return None
        id = occurrence(one.name, due)
        return remembered.load(self._journal, id) or self.answer(self._opened(_blank(one, due)).id)

    def _remind(self, one: Checklist, sheet: Sheet) -> bool:
        age = (clock.now() - sheet.due).total_seconds()
        owed = [after for after in sorted(one.remind) if max(sheet.reminded, default=0) < after <= age]
        if not owed:
            return False
        body = {"name": sheet.name, "title": sheet.title, "due": sheet.due, "missing": sheet.missing}
        unanswered = [line.number for line in sheet.unanswered]
        self._journal.append(
            events.CHECKLIST_REMINDED, {**encode(body), "after": owed[-1], "unanswered": unanswered}, run=sheet.id
        )
        return True

    def _write(self, sheet: Sheet, line: Line, answer: Answer, by: str, text: str) -> None:
        body = {"number": line.number, "answer": answer, "by": by, "text": text}
        self._journal.append(events.CHECKLIST_ANSWERED, body, run=sheet.id)


def _blank(one: Checklist, due: datetime) -> Sheet:
    lines = tuple(Line(number, group, item) for number, (group, item) in enumerate(one.items, 1))
    return Sheet(occurrence(one.name, due), one.name, one.title, due, due, one.signed_by, lines)


def _may_sign(sheet: Sheet, by: str, role: str, text: str) -> None:
    """Refuse a signature that would not count, or that says nothing about what is wrong."""
    show = f"mainstay checklist show {sheet.name}"
    if sheet.unanswered:
        numbers = ", ".join(str(line.number) for line in sheet.unanswered)
        raise Refused(
            "not every item is answered",
            on=sheet.id,
            because=f"open: {numbers}",
            next=f"mainstay checklist answer {sheet.name} ITEM",
        )
    if not role:
        raise Refused("everybody has signed", on=sheet.id, next=show)
    if role not in sheet.signed_by:
        raise Refused(
            "nobody signs it in that role", on=f"{sheet.id} {role}", because=f"it is signed by {', '.join(sheet.signed_by)}"
        )
    for one in sheet.signatures:
        if same_person(one.by, by) or one.role == role:
            because = f"{one.by} has signed as {one.role}; a person counts once, and so does a role"
            raise Refused("that signature would not count", on=f"{by} as {role}", because=because, next=show)
    if sheet.wrong and not text:
        numbers = ", ".join(str(line.number) for line in sheet.wrong)
        raise Refused("what was done about it is missing", on=sheet.id, because=f"not in order: {numbers}", next="--action TEXT")
