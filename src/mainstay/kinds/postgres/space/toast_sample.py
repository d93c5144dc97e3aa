"""How large TOAST would be after a rewrite, from a sample of its table, where the extension that measures it is missing.

A row says how long its wide values are, and nothing of TOAST is read for that.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.space import pages
from mainstay.kinds.postgres.statement import LockNotAvailable, Statement
from mainstay.model.errors import DeadlinePassed
from mainstay.model.plan import On
from mainstay.model.units import Size

_SAMPLE = 20_000  # pages
_ROW = 40  # bytes of such a row beside them, with its pointer
_KEY = 16  # bytes of its entry in the index of TOAST

_SIZES = Statement(  # a row of TOAST holds 1996 bytes; a value of less than 1000 seldom lies there
    "SELECT coalesce(sum(ceil(size / 1996.0)), 0)::float8, coalesce(sum(size), 0)::float8"
    " FROM (SELECT pg_column_size({column}) AS size FROM {table} TABLESAMPLE SYSTEM ({percent})) AS sampled WHERE size > 1000"
)


def expected(session: Session, on: On, heap: Size, columns: Iterable[str]) -> Size | None:
    """Return the size of a table's TOAST and its index after a rewrite; None when the table could not be read in time."""
    percent = min(100.0, 100 * _SAMPLE * pages.PAGE / max(heap, 1))
    chunks = size = 0.0
    for column in columns:
        try:
            found = session.connection.ask(_SIZES, database=on[1], table=on[2:], column=(column,), percent=percent)
        except (DeadlinePassed, LockNotAvailable):
            return None
        chunks, size = chunks + found[0][0] * 100 / percent, size + found[0][1] * 100 / percent
    return _written(ceil(chunks), size)


def _written(chunks: int, size: float) -> Size:
    entry = pages.entry(chunks, chunks, _KEY, deduplicated=False)
    keys = pages.btree(pages.leaves(chunks, entry, 90), _KEY)
    return Size(pages.toast(chunks, size / max(chunks, 1) + _ROW) + keys)
