"""A document as Markdown (GitHub flavour): readable as it stands, and safe to paste."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mainstay.report.document import (
    Block,
    Cell,
    Document,
    Entries,
    Entry,
    Figure,
    Gallery,
    Paragraph,
    Table,
    Tiles,
    clean,
    plural,
)

_SPECIAL = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)")  # GitHub leaves underscores inside words alone
_LEADING = re.compile(r"^(?=#+\s|[-+>]|=+$)|(?<=\d)(?=[.)]\s)")


def write(document: Document) -> str:
    """Render a document."""
    parts = [f"# {_text(document.title)}: {_text(document.badge.text)}", _text(document.summary)]
    parts.append("  \n".join(_text(line) for line in document.about))
    for section in document.sections:
        parts.append(f"## {_text(section.title)}" if section.title else "")
        parts.append(_text(section.lede))
        parts.extend(_block(block) for block in section.blocks)
    parts.append(f"---\n\n{_text(document.colophon)}" if document.colophon else "")
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: Block) -> str:
    match block:
        case Paragraph():
            return _text(block.text)
        case Tiles():
            return "\n".join(f"- {_text(one.label)}: **{_text(one.value)}**{_note(one.note)}" for one in block.tiles)
        case Entries():
            return "\n".join([*(_entry(entry) for entry in block.entries), *_rest("-", block.more)])
        case Table():
            return _table(block)
        case Figure() | Gallery():
            return _table(block.table)


def _entry(entry: Entry) -> str:
    mark = f"{_text(entry.mark.text)} " if entry.mark.text else ""
    lines = "".join(f"  \n  {_text(line.text)}" for line in entry.lines)
    return f"- {mark}**{_text(entry.title)}**{_note(entry.meta)}{lines}"


def _table(table: Table) -> str:
    rule = ("--:" if column.number else "---" for column in table.columns)
    rows = [_row(Cell(column.title) for column in table.columns), f"| {' | '.join(rule)} |", *(_row(row) for row in table.rows)]
    rest = _rest("", table.more)
    return "\n".join(rows) + ("\n\n" + rest[0] if rest else "")


def _row(cells: Iterable[Cell]) -> str:
    return f"| {' | '.join(_text(cell.text) for cell in cells)} |"


def _note(text: str) -> str:
    return f" ({_text(text)})" if text else ""


def _rest(bullet: str, more: int) -> list[str]:
    return [f"{bullet} … and {plural(more, 'more', 'more')}, all of them in the JSON".strip()] if more else []


def _text(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\g<0>", clean(text)).replace("&", "&amp;").replace("<", "&lt;")
    return _LEADING.sub(r"\\", escaped, count=1)
