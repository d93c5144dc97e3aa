"""A document on a terminal: one source, coloured or plain, never wider than asked for. Rich is imported late."""

from __future__ import annotations

import os
import shutil
import sys
from io import StringIO
from typing import TYPE_CHECKING, TextIO

from mainstay.report.document import (
    Block,
    Cell,
    Document,
    Entries,
    Entry,
    Figure,
    Gallery,
    Paragraph,
    Section,
    Table,
    Tiles,
    Tone,
    clean,
)
from mainstay.report.marks import ASCII

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

PLAIN_WIDTH, WIDEST = 80, 120
_STYLES: dict[Tone, str] = {
    "": "",
    "good": "green",
    "info": "blue",
    "warn": "yellow",
    "bad": "bold red",
    "muted": "dim",
}


def write(document: Document, width: int = PLAIN_WIDTH, colour: bool = False) -> str:
    """Render a document for a terminal of that width."""
    output = StringIO()
    console = _console(output, width, colour)
    _head(console, document)
    for section in document.sections:
        _section(console, section)
    if document.colophon:
        console.print()
        console.print(_text(document.colophon, "dim"))
    return _trimmed(output)


def lines(block: Block, width: int = PLAIN_WIDTH, colour: bool = False) -> str:
    """Render one block, as it looks inside a document."""
    output = StringIO()
    _console(output, width, colour).print(_block(block))
    return _trimmed(output)


def show(document: Document, stream: TextIO | None = None) -> None:
    """Print a document where it fits: colours and the width of the terminal on one, 80 plain columns elsewhere."""
    stream = stream or sys.stdout
    put(write(document, width_of(stream), colour_of(stream)), stream)


def put(text: str, stream: TextIO) -> None:
    """Write text that the stream's encoding may lack letters of; a reader who has gone away is no error."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    if "utf" not in encoding.lower():
        text = text.translate(ASCII)
    try:
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        # What is still buffered would raise again when the interpreter flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def width_of(stream: TextIO) -> int:
    """Return how many columns there are to fill."""
    return min(shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns, WIDEST) if stream.isatty() else PLAIN_WIDTH


def colour_of(stream: TextIO) -> bool:
    """Tell whether colours are wanted: a terminal that is not dumb, and no NO_COLOR (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _console(output: StringIO, width: int, colour: bool) -> Console:
    from rich.console import Console

    return Console(
        file=output, width=width, force_terminal=colour, color_system="standard" if colour else None, no_color=not colour,
        highlight=False, markup=False, emoji=False, legacy_windows=False,
    )  # fmt: skip


def _trimmed(output: StringIO) -> str:
    return "".join(f"{line.rstrip()}\n" for line in output.getvalue().split("\n")[:-1])


def _head(console: Console, document: Document) -> None:
    title = _text(document.title, "bold")
    if document.badge.text:
        title.append("  ").append(_cell(Cell(document.badge.text.upper(), document.badge.tone)))
    console.print(title)
    if document.summary:
        console.print(_text(document.summary))
    if document.about:
        console.print(_text(" · ".join(document.about), "dim"))


def _section(console: Console, section: Section) -> None:
    console.print()
    if section.title:
        console.print(_text(section.title, "bold underline" if console.color_system else ""))
        if not console.color_system:
            console.print("─" * min(len(section.title), console.width))
    for block in section.blocks:
        console.print(_block(block))


def _block(block: Block) -> RenderableType:
    from rich.console import Group

    match block:
        case Paragraph():
            return _cell(Cell(block.text, block.tone))
        case Tiles():
            return _tiles(block)
        case Entries():
            return Group(*(_entry(entry) for entry in block.entries), *_rest(block.more))
        case Table():
            return Group(_table(block), *_rest(block.more))
        case Figure() | Gallery():
            return _block(block.table)


def _tiles(block: Tiles) -> RenderableType:
    from rich.columns import Columns
    from rich.text import Text

    shown = []
    for tile in block.tiles:
        text = Text().append(f"{clean(tile.label)} ", "dim").append(_cell(Cell(tile.value, tile.tone), "bold"))
        shown.append(text.append(f" ({clean(tile.note)})", "dim") if tile.note else text)
    return Columns(shown, padding=(0, 3))


def _entry(entry: Entry) -> RenderableType:
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table as Grid

    grid = Grid.grid(expand=True, padding=(0, 1))
    grid.add_column(width=1)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row(_cell(entry.mark), _text(entry.title), _text(entry.meta, "dim"))
    lines = (Padding(_text(line.text, _STYLES[line.tone] or "dim"), (0, 0, 0, 2)) for line in entry.lines)
    return Group(grid, *lines)


def _table(block: Table) -> RenderableType:
    from rich import box
    from rich.table import Table as Grid

    grid = Grid(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False, header_style="dim")
    for column in block.columns:
        grid.add_column(_text(column.title), justify="right" if column.number else "left", overflow="fold", no_wrap=column.number)
    for row in block.rows:
        grid.add_row(*(_cell(cell) for cell in row))
    return grid


def _rest(more: int) -> list[Text]:
    return [_text(f"… and {more:,} more, all of them in the JSON", "dim")] if more else []


def _cell(cell: Cell, style: str = "") -> Text:
    return _text(cell.text, f"{style} {_STYLES[cell.tone]}".strip())


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(clean(text), style, overflow="fold")
