"""A document on a terminal: one source, coloured or plain, never wider than asked for. Rich is imported late."""

from __future__ import annotations

import os
import shutil
import sys
from io import StringIO
from typing import TYPE_CHECKING, Literal, TextIO

from mainstay.model.errors import StepFailed
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

_NARROW = 28  # columns that names have at least beside their figures; longer ones get a line of their own
PLAIN_WIDTH, WIDEST = 80, 120
_BESIDE = 40  # columns at the right of an entry; what is longer gets a line of its own
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
    _console(output, width, colour).print(_block(block, width))
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
    except OSError as error:
        # What is still buffered would raise again when the interpreter flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise StepFailed("the output cannot be written", because=error.strerror or str(error)) from error


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
        console.print(_block(block, console.width))


def _block(block: Block, width: int) -> RenderableType:
    from rich.console import Group

    match block:
        case Paragraph():
            return _cell(Cell(block.text, block.tone))
        case Tiles():
            return _tiles(block)
        case Entries():
            return Group(*(_entry(entry) for entry in block.entries), *_rest(block.more))
        case Table():
            rows = _stacked(block) if _is_cramped(block, width) else [_table(block)]
            return Group(*rows, *_rest(block.more))
        case Figure() | Gallery():
            return _block(block.table, width)


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
    long = len(entry.meta) > _BESIDE
    grid.add_row(_cell(entry.mark), _text(entry.title), _text("" if long else entry.meta, "dim"))
    below = (Cell(entry.meta, "muted"), *entry.lines) if long else entry.lines
    return Group(grid, *(Padding(_text(line.text, _STYLES[line.tone] or "dim"), (0, 0, 0, 2)) for line in below))


def _table(block: Table) -> RenderableType:
    from rich import box
    from rich.table import Table as Grid

    grid = Grid(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, show_edge=False, header_style="dim")
    figures = len(block.columns) > 2  # of two columns the name stays whole, and a long value folds
    for number, column in enumerate(block.columns):
        justify: Literal["left", "right"] = "right" if column.number else "left"
        whole = column.number if figures else number == 0
        grid.add_column(_text(column.title), justify=justify, overflow="fold", no_wrap=whole)
    for row in block.rows:
        grid.add_row(*(_cell(cell) for cell in row))
    return grid


def _is_cramped(block: Table, width: int) -> bool:
    """Return whether what the rows are about would be folded into a thin column because the figures beside it need the room."""
    if not block.columns[0].title or len(block.columns) < 3:
        return False
    lengths = [max((len(clean(row[number].text)) for row in block.rows), default=0) for number in range(len(block.columns))]
    return lengths[0] > max(_NARROW, width - sum(lengths[1:]) - 3 * len(lengths[1:]))


def _stacked(block: Table) -> list[Text]:
    """Return a table whose first column has a line of its own above each row of figures."""
    rest = list(range(1, len(block.columns)))
    widths = {n: max(len(block.columns[n].title), *(len(clean(row[n].text)) for row in block.rows)) for n in rest}
    titles = [_text(block.columns[n].title, "dim") for n in rest]
    shown = [_joined(titles, block, widths)]
    for row in block.rows:
        shown += [_cell(row[0]), _joined([_cell(row[n]) for n in rest], block, widths)]
    return shown


def _joined(cells: list[Text], block: Table, widths: dict[int, int]) -> Text:
    from rich.text import Text

    for number, cell in enumerate(cells, 1):
        cell.align("right" if block.columns[number].number else "left", widths[number])
    return Text("    ").append(Text("   ").join(cells))


def _rest(more: int) -> list[Text]:
    return [_text(f"… and {more:,} more, all of them in the JSON", "dim")] if more else []


def _cell(cell: Cell, style: str = "") -> Text:
    return _text(cell.text, f"{style} {_STYLES[cell.tone]}".strip())


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(clean(text), style, overflow="fold")
