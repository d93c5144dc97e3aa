"""The size after a rebuild, decided from the shape of a relation and, where there was one, from a close look.

A close look shows the bytes in use, but not what they are: pointers of rows that are long gone take part of them, and so do index
entries that nobody has removed yet. Statistics show the length of a row, but may be old. Each limits the other.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from mainstay.kinds.postgres.space import pages
from mainstay.kinds.postgres.space.layout import Column, Length, entry_length, row_length
from mainstay.kinds.postgres.space.pages import HEADER, MOST, PAGE, POINTER
from mainstay.kinds.postgres.space.shape import HeapDensity, IndexDensity, IndexShape, TableShape
from mainstay.model.units import Size

_ROUNDED = 20  # bytes of a page by which the free space map is too low on average: it counts in 32s, and without a pointer
_SHORTEST = 24  # bytes of a row without columns
_CHUNK_KEY = 16  # bytes of an entry of a TOAST table's index: value and number of the chunk
_SEEN = 3000  # different values of which a sample of 30,000 rows sees each several times
_SETTLED = 0.05  # share of dead rows up to which few of an index's entries belong to them


def heap(shape: TableShape, density: HeapDensity | None) -> Size | None:
    """Return the size of a table after a rebuild; None when neither statistics nor a close look know it."""
    length, rows = row_length(shape.columns, shape.attributes), density.rows if density else shape.rows
    if rows == 0:
        return Size(0)
    if rows < 0 or (length is None and density is None):
        return None
    if density and not (shape.altered and length):
        length = _within(length or row_length(_filled(shape), shape.attributes), density)
    return pages.heap(rows, length or Length(_SHORTEST, fixed=True), shape.fillfactor)


def toast(shape: TableShape, density: HeapDensity | None) -> Size | None:
    """Return the size of a TOAST table and its index after a rebuild; statistics know nothing of it."""
    if not shape.toast:
        return shape.toast_index
    if density is None:
        return None
    chunk = pages.entry(density.rows, density.rows, _CHUNK_KEY, deduplicated=False)
    keys = pages.btree(pages.leaves(density.rows, chunk, 90), _CHUNK_KEY)
    return Size(pages.toast(density.rows, _in_use(density) / max(density.rows, 1)) + keys)


def index(shape: IndexShape, rows: float, dead_share: float, density: IndexDensity | None) -> Size | None:
    """Return the size of an index after a rebuild; only b-trees can be foreseen. `rows` are those of its table, -1 = unknown."""
    if shape.method != "btree":
        return None
    values = _values(shape, rows)
    item = _entry(shape, rows, values)
    told = _built(shape, rows, item) if item else None
    if density is None:
        return told
    measured = _refilled(shape, density, item)
    return min(told, measured) if told is not None and _doubtful(shape, values, dead_share) else measured


def least(shape: IndexShape, rows: float) -> Size | None:
    """Return the size that an index has if its columns depend on each other, so that it has no more keys than one of them."""
    known = [_number(one, rows) for one in shape.distincts if one is not None]
    item = _entry(shape, rows, max(known)) if shape.method == "btree" and len(known) == len(shape.distincts) else None
    return _built(shape, rows, item) if item else None


def _within(told: Length | None, density: HeapDensity) -> Length:
    """Return the length of rows that the statistics tell, as far as it agrees with the bytes in use.

    A page may have a pointer for each row (then rows are longest) or for each that it ever had room for (then they are shortest).
    """
    rows, count = density.rows, density.size / PAGE
    longest = max(_SHORTEST, _in_use(density) / rows - POINTER)
    had_room = min(MOST, (PAGE - HEADER) / ((told.bytes if told else longest) + POINTER))
    shortest = min(longest, max(_SHORTEST, (_in_use(density) - POINTER * had_room * count) / rows))
    if told is None:
        return Length((shortest + longest) / 2, fixed=False)
    return told if shortest <= told.bytes <= longest else Length(min(max(told.bytes, shortest), longest), fixed=False)


def _in_use(density: HeapDensity) -> float:
    """Return the bytes of live rows and of pointers."""
    count = density.size / PAGE
    dead = density.dead_length + density.dead * (POINTER + POINTER)  # its pointer, and half a word on average to fill up
    visible = count * (1 - density.scanned / 100)
    return max(0.0, density.size - density.free - dead - count * (HEADER + POINTER) - visible * (_ROUNDED - POINTER))


def _filled(shape: TableShape) -> list[Column]:
    """Return the columns without nulls where statistics do not tell."""
    return [replace(one, null=0) if one.null is None else one for one in shape.columns]


def _entry(shape: IndexShape, rows: float, values: float | None) -> pages.Entry | None:
    """Return the average entry of the index just built; None when statistics do not tell."""
    held, length = _held(shape, rows), entry_length(_present(shape, rows))
    if length is None or held < 0 or (shape.deduplicated and values is None):
        return None
    return pages.entry(held, values or held, length.bytes, deduplicated=shape.deduplicated)


def _held(shape: IndexShape, rows: float) -> float:
    return shape.rows if shape.partial else rows


def _present(shape: IndexShape, rows: float) -> list[Column]:
    """Return the columns with the nulls that the index must have: a partial one usually leaves them out."""
    room = max(1.0, _held(shape, rows)) / max(1.0, rows)
    return [
        replace(one, null=max(0.0, 1 - (1 - one.null) / room)) if one.null and shape.partial else one for one in shape.columns
    ]


def _values(shape: IndexShape, rows: float) -> float | None:
    """Return the number of different keys; columns are taken to be independent."""
    known = [_number(one, rows) for one in shape.distincts if one is not None]
    return min(prod(known), max(_held(shape, rows), 1)) if len(known) == len(shape.distincts) else None


def _number(distinct: float, rows: float) -> float:
    return max(1.0, -distinct * rows if distinct < 0 else distinct)


def _doubtful(shape: IndexShape, values: float | None, dead_share: float) -> bool:
    """Tell whether bytes in use are more than a rebuild needs: entries of dead rows, or equal keys not yet stored once."""
    return dead_share > _SETTLED or (shape.deduplicated and values is not None and values <= _SEEN)


def _built(shape: IndexShape, rows: float, item: pages.Entry) -> Size:
    return pages.btree(pages.leaves(_held(shape, rows), item, shape.fillfactor), item.key)


def _refilled(shape: IndexShape, density: IndexDensity, item: pages.Entry | None) -> Size:
    """Return the size of an index whose leaves hold what they hold now, as full as a rebuild makes them."""
    typical = item or pages.entry(1, 1, _CHUNK_KEY, deduplicated=False)
    full = pages.leaf(typical, shape.fillfactor)
    return pages.btree(pages.used(density.leaves, density.density) / full, typical.key)
