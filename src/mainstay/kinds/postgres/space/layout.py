"""How long rows and index entries are on disk, on average, by what the planner's statistics say of their columns.

Source: https://www.postgresql.org/docs/current/storage-page-layout.html; PostgreSQL's heaptuple.c and indextuple.c
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

_WORD = 8  # what every row begins at a multiple of
_SHORT = 127  # bytes up to which a value of variable length has a header of one byte and is not aligned
_HEADER, _INDEX_HEADER, _BITMAP = 23, 8, 4  # of a row; of an index entry, without and for its nulls
_EVERYWHERE = (1 / _WORD,) * _WORD


@dataclass(frozen=True)
class Column:
    """A column as it is stored: `length` -1 varies, `width` is the average of values that are not null."""

    length: int
    align: int
    width: float | None
    null: float | None


@dataclass(frozen=True)
class Length:
    """The average bytes of a row, rounded up as rows are; `fixed` when all rows are equally long."""

    bytes: float
    fixed: bool


def row_length(columns: Sequence[Column], attributes: int) -> Length | None:
    """Return the length of a table's rows; None when statistics are missing. Dropped columns are null in new rows."""
    bitmap = _up(_HEADER + -(-attributes // 8), _WORD) - _up(_HEADER, _WORD)
    return _length(columns, _up(_HEADER, _WORD), bitmap, always=attributes > len(columns))


def entry_length(columns: Sequence[Column]) -> Length | None:
    """Return the length of an index's entries; None when statistics are missing."""
    return _length(columns, _INDEX_HEADER, _up(_BITMAP, _WORD))


def _length(columns: Sequence[Column], header: int, bitmap: int, *, always: bool = False) -> Length | None:
    known = [(one, one.null, one.width) for one in columns if one.null is not None and (one.width is not None or one.null == 1)]
    if len(known) < len(columns):
        return None
    nulls = 1.0 if always else 1 - prod(1 - null for _, null, _ in known)
    length, at = header + nulls * bitmap, (1.0, *(0.0,) * (_WORD - 1))
    for column, null, width in known:
        if width is not None and null < 1:
            placed, after = _place(at, column, width)
            length += (1 - null) * placed
            at = tuple(null * before + (1 - null) * now for before, now in zip(at, after, strict=True))
    fixed = all(null in (0, 1) and (column.length > 0 or null == 1) for column, null, _ in known)
    return Length(length + _padding(at, _WORD), fixed)


def _place(at: Sequence[float], column: Column, width: float) -> tuple[float, Sequence[float]]:
    """Return the bytes that a value takes with the gap before it, and where the next one may begin.

    `at` says how likely it is that the value begins so many bytes after a multiple of eight.
    """
    varies = column.length < 0
    align = 1 if varies and width <= _SHORT else column.align
    padding = _padding(at, align)
    if varies:
        return padding + width, _EVERYWHERE
    after = [0.0] * _WORD
    for place, share in enumerate(at):
        after[(_up(place, align) + column.length) % _WORD] += share
    return padding + width, after


def _padding(at: Sequence[float], align: int) -> float:
    return sum(share * (_up(place, align) - place) for place, share in enumerate(at))


def _up(number: int, align: int) -> int:
    return -(-number // align) * align
