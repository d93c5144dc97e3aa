"""What a report is made of, before it becomes terminal text, Markdown or HTML: sections of a few sorts of blocks.

Texts are plain: each format escapes them in one place. Charts always carry their numbers as a table, which is what the formats
without pictures show.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal, TypeVar

Tone = Literal["", "good", "info", "warn", "bad", "muted"]
T = TypeVar("T")

ROWS = 100  # of a table or a list; the rest is counted, and is in the JSON
LENGTH = 400  # of one text


@dataclass(frozen=True)
class Cell:
    """A short text with its tone; `link` is a page beside this one, where there are pages."""

    text: str
    tone: Tone = ""
    link: str = ""


@dataclass(frozen=True)
class Column:
    """The head of a column; numbers are set to the right."""

    title: str
    number: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells; `more` rows are not shown."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    more: int = 0


@dataclass(frozen=True)
class Entry:
    """One item of a list: a mark, what it is, a remark at the right, and lines that say why."""

    mark: Cell
    title: str
    meta: str = ""
    lines: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class Entries:
    """A list of items; `more` items are not shown."""

    entries: tuple[Entry, ...]
    more: int = 0


@dataclass(frozen=True)
class Tile:
    """A key figure."""

    label: str
    value: str
    note: str = ""
    tone: Tone = ""


@dataclass(frozen=True)
class Tiles:
    """Key figures, side by side."""

    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Paragraph:
    """A sentence or two."""

    text: str
    tone: Tone = ""


@dataclass(frozen=True)
class Figure:
    """A chart, drawn as SVG where there are pictures, and the same numbers as a table. `legend` tells what its colours mean."""

    title: str
    draw: Callable[[], str]
    table: Table
    note: str = ""
    legend: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Gallery:
    """Small charts, side by side, with one table for all."""

    figures: tuple[Figure, ...]
    table: Table


Block = Table | Entries | Tiles | Paragraph | Figure | Gallery


@dataclass(frozen=True)
class Section:
    """A titled part; `lede` says in a sentence how to read it."""

    title: str
    blocks: tuple[Block, ...]
    lede: str = ""


@dataclass(frozen=True)
class Document:
    """A report as it is read: what it is about, the verdict, and the sections."""

    title: str
    badge: Cell
    summary: str
    about: tuple[str, ...] = ()
    sections: tuple[Section, ...] = field(default=())
    colophon: str = ""


def table(columns: Iterable[str], rows: Sequence[tuple[Cell, ...]]) -> Table:
    """Build a bounded table; a column whose title begins with `#` holds numbers."""
    heads = tuple(Column(title.removeprefix("#"), title.startswith("#")) for title in columns)
    return Table(heads, tuple(rows[:ROWS]), max(0, len(rows) - ROWS))


def listed(items: Sequence[T], entry: Callable[[T], Entry]) -> Entries:
    """Build a bounded list."""
    return Entries(tuple(entry(item) for item in items[:ROWS]), max(0, len(items) - ROWS))


def sections(*parts: Section | None) -> tuple[Section, ...]:
    """Leave out the parts that are not there, and those without content."""
    return tuple(part for part in parts if part and part.blocks)


def clean(text: str, length: int = LENGTH) -> str:
    """Return text that cannot drive a terminal or turn the line around, on one line, and bounded."""
    plain = "".join(_harmless(islice(text, length + 1)))
    return plain if len(plain) <= length else plain[: length - 1].rstrip() + "…"


def plural(count: int, one: str, many: str = "") -> str:
    """Print a count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _harmless(text: Iterable[str]) -> Iterator[str]:
    for char in text:
        category = unicodedata.category(char)
        if char in "\n\t\r" or category in ("Zl", "Zp"):  # U+2028 and U+2029 end a line and a paragraph
            yield " "
        else:
            yield "�" if category in ("Cc", "Cf", "Cs") else char
