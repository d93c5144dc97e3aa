"""What a database holds, as numbers: rows and an order-free digest of every table, and of the large objects together.

A row is one 64-bit number: each value is hashed as text, or as the integer that it is, under the seed of its column, and all are
combined. A digest is two sums over all rows, of two hashes of that number: the order of rows does not matter, values that change
places do, and the rows leave the server only as these sums. The text is that of pinned settings (see `client`), columns by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from mainstay.kinds.postgres.statement import Written
from mainstay.kinds.postgres.store.catalog import DumpedTable, filled
from mainstay.kinds.postgres.store.client import Client
from mainstay.kinds.postgres.store.snapshot import Snapshot
from mainstay.model.errors import StepFailed
from mainstay.model.units import Size
from mainstay.system import clock

LARGE_OBJECTS = "large objects"
_ROWS = """
SELECT count(*), sum(hashint8extended(line, 0)), sum(hashint8extended(line, 1))
FROM (SELECT {line} AS line FROM ONLY {table} AS one {condition} OFFSET 0) AS lines;
"""
_VALUES = {  # text costs a copy, and the output function of an integer more than its hash
    "integer": "coalesce(hashint8extended({value}::int8, {seed}), {seed})",
    "text": 'coalesce(hashtextextended({value}::text COLLATE "C", {seed}), {seed})',
    "other": 'hashtextextended(concat({value}, {value} IS NULL) COLLATE "C", {seed})',
}
# A piece at a time; what is a hole in one server may be zeros in another. 262144 = INV_READ, 2 = SEEK_END.
_OBJECTS = """
SELECT (SELECT count(*) FROM pg_largeobject_metadata), sum(hashtextextended(line, 0)), sum(hashtextextended(line, 1)) FROM (
  SELECT format('%s %s %s', m.oid, piece, md5(lo_get(m.oid, piece * 1048576, 1048576))) COLLATE "C" AS line
  FROM pg_largeobject_metadata m, generate_series(0, lo_lseek64(lo_open(m.oid, 262144), 0, 2) / 1048576) AS piece OFFSET 0
) AS lines;
"""
_BATCH, _MANY = Size(32 << 20), 100  # bytes and tables of one script


@dataclass
class Tally:
    """Rows and digests by table, the bytes of each stream, and the seconds that each part has taken, all threads together."""

    counts: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    printed: dict[str, int] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add the time of the block to a part."""
        began = clock.monotonic()
        yield
        with self.lock:
            self.took[part] = round(self.took.get(part, 0.0) + clock.monotonic() - began, 2)


def counting(client: Client, seen: Snapshot, tally: Tally) -> Iterator[tuple[int, Callable[[], None]]]:
    """Yield the work that counts and digests all tables and large objects, in batches: the bytes of each, and what does it."""
    yield 0, lambda: _count(client, seen, (LARGE_OBJECTS,), _OBJECTS, tally)
    for batch in _batches(seen.tables):
        names, script = tuple(one.quoted for one in batch), "".join(_query(one) for one in batch)
        yield sum(one.size for one in batch), _bound(client, seen, names, script, tally)


def _bound(client: Client, seen: Snapshot, names: tuple[str, ...], script: str, tally: Tally) -> Callable[[], None]:
    return lambda: _count(client, seen, names, script, tally)


def _count(client: Client, seen: Snapshot, names: tuple[str, ...], script: str, tally: Tally) -> None:
    with tally.timed("digests"):
        lines = client.ask(seen.joined + script, seen.database)
    if len(lines) != len(names):
        raise StepFailed("psql left out an answer", on=f"database {seen.database}", because=f"{len(lines)} of {len(names)}")
    optional = {LARGE_OBJECTS, *(one.quoted for one in seen.tables if not one.streamed)}  # one table alone comes without them
    for name, (count, first, second) in zip(names, lines, strict=True):
        if name in optional and count == "0":
            continue
        tally.counts[name] = int(count)
        tally.digests[name] = f"{_wrapped(first):016x}{_wrapped(second):016x}"


def _wrapped(total: str) -> int:
    return int(total or 0) % (1 << 64)


def _batches(tables: Iterable[DumpedTable]) -> Iterator[list[DumpedTable]]:
    """Divide tables: a large one is alone, and of small ones many go to one program."""
    batch: list[DumpedTable] = []
    for one in sorted(tables, key=lambda one: (-one.size, one.quoted)):
        if batch and (sum(each.size for each in batch) + one.size > _BATCH or len(batch) == _MANY):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch


def _query(one: DumpedTable) -> str:
    values = [
        filled(_VALUES[sort], value=("one", column), seed=seed)
        for seed, (column, sort) in enumerate(zip(one.columns, one.types, strict=True), 1)
    ]
    line = Written(_combined(values) if values else "0::int8")
    return filled(_ROWS, line=line, table=(one.schema, one.name), condition=Written(one.condition))


def _combined(values: list[str]) -> str:
    """Combine hashes pairwise: an expression for a thousand columns is ten levels deep, and no server gives up on it."""
    if len(values) == 1:
        return values[0]
    half = len(values) // 2
    return f"({_combined(values[:half])} # {_combined(values[half:])})"
