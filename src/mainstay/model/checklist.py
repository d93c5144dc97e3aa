"""Checklists: items that facts answer or persons sign, when they are due, and who signs the whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from mainstay.model.codec import digest
from mainstay.model.setting import Setting
from mainstay.model.target import Origin
from mainstay.model.units import Duration, Share, Size

Number = float | Size | Duration | Share


@dataclass(frozen=True)
class Item:
    """One line of a checklist. What answers it is one of `task`, `done`, `proven`; without any, a person does.

    task    a look at it answers: no finding at `fails_at` or worse; or one of its facts or figures, within its limits
    done    the newest run of that task answers: it ended well, within the time that `within` says
    proven  the newest proven copy of that target answers: it is no older than `within`
    """

    text: Annotated[str, Setting("what is to be found or done", example="All services run")]
    task: Annotated[str, Setting("a look at this task answers it", example="api.check")] = ""
    about: Annotated[str, Setting("only findings that hold these words count", example="certificate")] = ""
    fails_at: Annotated[Literal["warning", "critical"], Setting("the level of a finding from which it is not in order")] = (
        "warning"
    )
    fact: Annotated[
        str, Setting("this fact of the look answers it, named as `mainstay why` shows it", example="answer.status")
    ] = ""
    figure: Annotated[str, Setting("this figure of the look answers it, named as `mainstay trends` shows it")] = ""
    equals: Annotated[str | None, Setting("what the fact has to be", example="healthy")] = None
    at_least: Annotated[Number | None, Setting("the least that the fact or figure may be", example="50GB")] = None
    at_most: Annotated[Number | None, Setting("the most that the fact or figure may be", example="100ms")] = None
    done: Annotated[str, Setting("the newest run of this task answers it", example="safe.backup")] = ""
    proven: Annotated[str, Setting("the newest proven copy of this target answers it", refers_to="target", example="db")] = ""
    within: Annotated[Duration, Setting("how long ago `done` and `proven` may be", ge=60)] = Duration(26 * 3600)

    def __post_init__(self) -> None:
        """Refuse two answers to one item, and limits of nothing."""
        if sum(map(bool, (self.task, self.done, self.proven))) > 1:
            raise ValueError("only one of task, done and proven may answer an item")
        if (self.fact or self.figure or self.about) and not self.task:
            raise ValueError("fact, figure and about belong to a task")
        limits = [one for one in (self.equals, self.at_least, self.at_most) if one is not None]
        if bool(self.fact or self.figure) != bool(limits):
            raise ValueError("a fact or figure needs equals, at_least or at_most, and they need it")

    @property
    def automatic(self) -> bool:
        """Tell whether facts answer it."""
        return bool(self.task or self.done or self.proven)


@dataclass(frozen=True)
class Due:
    """When a checklist is due: by a rule, or at the beginning or end of each slot of a window."""

    rule: Annotated[str, Setting("a calendar rule", example="daily 07:00")] = ""
    before: Annotated[str, Setting("the window at whose beginning it is due", example="weekly")] = ""
    after: Annotated[str, Setting("the window at whose end it is due", example="weekly")] = ""
    lead: Annotated[Duration, Setting("how long before that", ge=0, example="1h")] = Duration(0)

    def __post_init__(self) -> None:
        """Refuse none, and several."""
        if sum(map(bool, (self.rule, self.before, self.after))) != 1:
            raise ValueError("write one of rule, before and after")


@dataclass(frozen=True)
class Checklist:
    """One checklist of the configuration; `items` are grouped, in order."""

    name: str
    title: str
    items: tuple[tuple[str, Item], ...]  # group, item
    signed_by: tuple[str, ...] = ("verifier",)
    due: Due | None = None
    remind: tuple[Duration, ...] = (Duration(4 * 3600),)
    origin: Origin | None = None


class Answer(StrEnum):
    """How an item stands."""

    OPEN = "open"
    OK = "ok"
    NOT_OK = "not ok"


@dataclass(frozen=True)
class Line:
    """One item of a sheet, and its newest answer: by a person, or by facts (`by` is empty then) with what was seen."""

    number: int
    group: str
    item: Item
    answer: Answer = Answer.OPEN
    at: datetime | None = None
    by: str = ""
    text: str = ""  # what was seen, or a person's remark


@dataclass(frozen=True)
class Signature:
    """A person's word for a sheet as it stood; it counts as long as the content has that digest."""

    at: datetime
    by: str
    role: str
    login: str  # the user of the system whose process wrote it
    content: str  # SHA-256
    text: str = ""  # action taken


@dataclass(frozen=True)
class Sheet:
    """A checklist that is filled in for one occasion, folded from its events."""

    id: str
    name: str
    title: str
    due: datetime
    opened: datetime
    signed_by: tuple[str, ...]
    lines: tuple[Line, ...]
    given: tuple[Signature, ...] = ()
    reminded: tuple[Duration, ...] = ()  # how long after it was due

    @property
    def content(self) -> str:
        """The SHA-256 of everything that a signature stands for: items and answers."""
        answers = [(line.number, line.group, line.item.text, line.answer, line.by, line.text) for line in self.lines]
        return digest([self.id, self.title, answers])

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """The signatures of this very content."""
        return tuple(one for one in self.given if one.content == self.content)

    @property
    def missing(self) -> tuple[str, ...]:
        """The roles that have not signed this content."""
        signed = {one.role for one in self.signatures}
        return tuple(role for role in self.signed_by if role not in signed)

    @property
    def complete(self) -> bool:
        """Tell whether every item is answered and everybody has signed."""
        return not self.missing and not self.unanswered

    @property
    def unanswered(self) -> tuple[Line, ...]:
        """The items without an answer."""
        return tuple(line for line in self.lines if line.answer is Answer.OPEN)

    @property
    def wrong(self) -> tuple[Line, ...]:
        """The items that are not in order."""
        return tuple(line for line in self.lines if line.answer is Answer.NOT_OK)


def same_person(one: str, other: str) -> bool:
    """Tell whether two names are those of one person: spelling in capitals or with blanks makes nobody else."""
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())
