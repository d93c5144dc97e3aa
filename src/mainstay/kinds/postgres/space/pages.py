"""How many pages a rebuild needs: PostgreSQL's own way of filling tables, TOAST tables and b-trees, in figures.

Source: https://www.postgresql.org/docs/current/storage-page-layout.html; PostgreSQL's rewriteheap.c, toast_internals.c, nbtsort.c
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from mainstay.kinds.postgres.space.layout import Length
from mainstay.model.units import Size

PAGE = 8192
HEADER, POINTER = 24, 4  # bytes of a page's header, and of the pointer to each of its items
MOST = 291  # rows that a page can have

_ROOM = PAGE - HEADER
_LEAF = _ROOM - 16  # a b-tree's page has a trailer
_INTERNAL = 70  # percent to which inner pages are filled
_POSTING, _ROW = PAGE // 10 // 8 * 8 - POINTER, 6  # longest list of the rows of one key; a row in it
_WHOLE = 2040  # longer rows are as long as they are, whatever varies in them: three of them do not share a page by chance


@dataclass(frozen=True)
class Entry:
    """What a leaf holds: one item for `rows` rows, of so many bytes; the key alone has `key`."""

    key: float
    bytes: float
    rows: float = 1


def heap(rows: float, length: Length, fillfactor: int) -> Size:
    """Return the size of a table just written. Where lengths vary, half a row is left over at the end of a page."""
    room, item = _ROOM - PAGE * (100 - fillfactor) // 100, length.bytes + POINTER
    whole = length.fixed or item > _WHOLE
    per_page = floor(room / item) if whole else (room - length.bytes / 2) / item
    return Size(ceil(rows / max(1, per_page)) * PAGE)


def toast(chunks: float, item: float) -> Size:
    """Return the size of a TOAST table just written, whose chunks take `item` bytes on average with their pointer.

    Four full chunks fill a page. The last chunk of a value is shorter, and the next one often does not fit behind it: values that
    are equally long or of any length leave 400 to 2000 bytes of a page, by simulation; this is the middle, at most 14 % off.
    """
    per_page = max(4.0, (_ROOM - min(item, 1168)) / item) if chunks else 1
    return Size(ceil(chunks / per_page) * PAGE)


def entry(rows: float, values: float, length: float, *, deduplicated: bool) -> Entry:
    """Return the average entry of a b-tree just built, where `rows` rows have `values` different keys of `length` bytes."""
    each = rows / max(values, 1)
    if not deduplicated or each < 2:
        return Entry(length, length + POINTER)
    held = min(each, (_POSTING - length) // _ROW)
    held = each / ceil(each / max(held, 1))  # equal parts
    return Entry(length, length + ceil(_ROW * held / 8) * 8 + POINTER, held)


def leaf(item: Entry, fillfactor: int) -> float:
    """Return the bytes that a leaf just built holds: it is full when an item more would cross the fill factor."""
    return (_per_leaf(item, fillfactor)) * item.bytes + item.key + POINTER


def leaves(rows: float, item: Entry, fillfactor: int) -> float:
    """Return the leaves that so many rows need."""
    return rows / item.rows / _per_leaf(item, fillfactor)


def btree(leaf_pages: float, key: float) -> Size:
    """Return the size of a b-tree with so many leaves: with a page about itself, and inner pages up to one root."""
    level = ceil(leaf_pages)
    pages, fan = 1 + level, max(2, floor((_LEAF - PAGE * (100 - _INTERNAL) // 100) / (key + POINTER)))
    while level > 1:
        level = ceil(level / fan)
        pages += level
    return Size(pages * PAGE)


def used(leaf_pages: int, density: float) -> float:
    """Return the bytes in use in leaves that are full to `density` percent."""
    return leaf_pages * _LEAF * density / 100 if leaf_pages else 0.0


def _per_leaf(item: Entry, fillfactor: int) -> int:
    return max(1, ceil((_LEAF - PAGE * (100 - fillfactor) // 100) / item.bytes) - 1)  # the last one begins the next leaf
