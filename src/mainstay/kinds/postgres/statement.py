"""SQL as data: what is run is declared once, with places for names and values that only the driver fills in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import ClassVar

from mainstay.model.errors import MainstayError

Name = tuple[str, ...]  # a qualified name: ("public", "orders")


@dataclass(frozen=True)
class Written:
    """A condition that an operator wrote in the configuration: it becomes part of the text as it is."""

    text: str


Place = Name | list[Name] | Written | str | int | float | bool

_SQL = resources.files(__package__) / "sql"


class LockNotAvailable(MainstayError):
    """A lock was not free within lock_timeout; nothing was done. An act turns this into a retry or a Deferred."""


@dataclass(frozen=True)
class Statement:
    """A statement that acts. Every one that any plan can issue is declared with `statement`, so that all are known.

    `{place}` takes a Name (quoted as an identifier), a list of Names (joined by commas), or a plain value (quoted as a literal,
    for commands that take no parameters); `%(name)s` takes a value that is sent apart from the text.
    """

    text: str
    known: ClassVar[list[Statement]] = []


def statement(text: str) -> Statement:
    """Declare a statement."""
    made = Statement(text)
    Statement.known.append(made)
    return made


@cache
def looking(name: str, major: int) -> str:
    """Return the text of a query for a server: `sql/NAME.sql`, or the newest `sql/NAME.MAJOR.sql` that is not too new for it."""
    variants = [
        int(file.name.split(".")[1]) for file in _SQL.iterdir() if file.name.startswith(f"{name}.") and file.name.count(".") == 2
    ]
    newest = max((one for one in variants if one <= major), default=None)
    file = _SQL / (f"{name}.sql" if newest is None else f"{name}.{newest}.sql")
    return file.read_text(encoding="utf-8")


def quoted(*names: str) -> str:
    """Return a qualified name as it can be typed into psql."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)
