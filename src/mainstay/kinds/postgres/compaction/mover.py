"""Make a table smaller without any extension: move the rows of its last pages to the front, then let VACUUM cut the end off.

An UPDATE that sets a column to itself writes a new version of the row: on its own page while that has room, else where the free
space map says, and the map starts with the first pages after each VACUUM. So the rows of a range are updated until none of them
is in it. Values in TOAST are moved by writing them anew, into the first free places there.

No row is changed, no row lock is queued for (SKIP LOCKED), and each batch is short. Killed at any moment, it leaves nothing.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mainstay.kinds.postgres.compaction.holding import wait_for_snapshots, wait_for_table
from mainstay.kinds.postgres.compaction.pace import Pace
from mainstay.kinds.postgres.statement import LockNotAvailable, Statement, statement
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Step
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

if TYPE_CHECKING:
    from mainstay.kinds.postgres.acting import Act

_PAGES = "ctid >= %(first)s::tid AND ctid < %(end)s::tid"
_PAGES_13 = (  # which has no scan of a range of pages: every place that a row can have there
    "ctid = ANY (ARRAY(SELECT format('(%%s,%%s)', page, place)::tid"
    " FROM generate_series(%(low)s::bigint, %(high)s::bigint - 1) page,"
    " generate_series(1, current_setting('block_size')::int / 28) place))"
)
_CLAIM = "SELECT array_agg(place)::text FROM (SELECT ctid AS place FROM {table} WHERE "
_SKIP_LOCKED = " FOR NO KEY UPDATE SKIP LOCKED"
_WIDE = "SELECT ctid::text, pg_column_size({column}), xmin::text FROM {table} WHERE pg_column_size({column}) > 1000 AND "

# A batch that a crash of the server takes back loses nothing. An error is better than rows that policies hide.
CAREFULLY = statement(
    "SELECT set_config('synchronous_commit', 'off', false), set_config('row_security', 'off', false),"
    " set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false)"
)
QUIETLY = statement("SELECT set_config('session_replication_role', 'replica', false)")
CLAIM, CLAIM_13 = (statement(_CLAIM + pages + _SKIP_LOCKED + ") AS claimed") for pages in (_PAGES, _PAGES_13))
WIDE, WIDE_13 = (statement(_WIDE + pages) for pages in (_PAGES, _PAGES_13))
MOVE = statement(
    "WITH moved AS (UPDATE {table} SET {column} = {column} WHERE ctid = ANY (%(rows)s::tid[]) RETURNING ctid AS place)"
    " SELECT array_agg(place)::text, bool_or(place >= %(end)s::tid) FROM moved WHERE place >= %(first)s::tid"
)
_ANEW = (
    " WHERE ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE ctid = ANY (%(rows)s::tid[])" + _SKIP_LOCKED + ")) RETURNING 1)"
    " SELECT (txid_current() %% 4294967296)::text FROM written LIMIT 1"
)
WRITE_ANEW = statement(  # an array holds its elements, not where in TOAST they are
    "WITH written AS (UPDATE {table} SET {column} = (ARRAY[{column}])[1]" + _ANEW
)
WRITE_ARRAY = statement(
    "WITH written AS (UPDATE {table} SET {column} = CASE WHEN {column} IS NOT NULL THEN array_cat({column}, '{{}}') END" + _ANEW
)
VACUUM = statement("VACUUM (INDEX_CLEANUP ON, TRUNCATE ON) {table}")

_ENOUGH = 1.05  # times the expected pages
_PASSES = 8  # over the rows with wide values
_VAIN = 3  # passes in a row that make the table no smaller
_ASTRAY = 10  # updates after which rows that land behind their pages show that there is no room in front
_FILLINGS = 400  # updates that fill any page: no more than 291 rows fit into one
_LOOK = 64  # pages that are searched for wide values at once
_RETRY = 0.5  # seconds


@dataclass(frozen=True)
class Extent:
    """How many pages a table and its TOAST have."""

    sql: ClassVar[str] = "extent"
    extension: ClassVar[str] = ""

    oid: int
    pages: int
    toast_pages: int


class _NoRoom(Exception):
    """The pages in front are full; the batch is taken back."""


class Mover:
    """One table on its way to fewer pages. `held_by` is who kept a VACUUM from giving room back, "" for nobody."""

    def __init__(self, act: Act, step: Step) -> None:
        self.act, self.oid, self.column = act, step.args["oid"], step.args["column"]
        self.database, self.table = step.on[1], step.on[2:]
        self.idle, self.patience = Duration(step.args["max_idle"]), Duration(step.args["patience"])
        self.held_by, self.old = "", act.server.identity().major < 14
        act.execute(CAREFULLY)
        if step.args["quiet"]:
            act.execute(QUIETLY)

    def extent(self) -> Extent:
        """Return how many pages there are now."""
        found = self.act.server.read(Extent, self.database, [self.oid])
        if not found:
            raise StepFailed("the table is gone", on=".".join(self.table), next="it was dropped or renamed meanwhile: plan again")
        return found[0]

    def shrink(self, target: int) -> None:
        """Move rows from the end to the front, pass by pass, until the table has some `target` pages or gets no smaller.

        Others write meanwhile: a single row of theirs near the end keeps all pages before it, until the next pass.
        """
        vain, pages = 0, self.extent().pages
        while vain < _VAIN and pages > target * _ENOUGH and not self.held_by:
            self._empty(pages, target)
            self.vacuum()
            now = self.extent().pages
            vain = vain + 1 if now >= pages else 0
            pages = now

    def write_anew(self, column: str, part: int, write: Statement) -> None:
        """Write the wide values of a column anew, with a VACUUM after each `part` bytes, unless TOAST grows.

        Rows that others have changed meanwhile may be elsewhere than where they were looked for, so there are further passes.
        """
        began, ours = self.extent(), set[str]()
        for _ in range(_PASSES):
            pace, written, before = Pace(1 << 16, 1 << 24), 0, len(ours)
            for rows, size in self._wide(column, ours, pace):
                with pace.batch():
                    values = {"rows": rows}
                    ours.update(xid for (xid,) in self.act.execute(write, values=values, table=self.table, column=(column,)))
                written += size
                if written > part:
                    written = 0
                    self.vacuum()
                    if self.held_by or self.extent().toast_pages > began.toast_pages * _ENOUGH:
                        return
            if len(ours) == before:
                return

    def vacuum(self) -> None:
        """Vacuum when nobody sees the dead rows or holds the table, which would keep VACUUM from cutting the end off."""
        self.held_by = wait_for_snapshots(self.act, self.patience) or self._wait_for_table()
        self._vacuum()

    def _empty(self, pages: int, target: int) -> None:
        """Move the rows out of the pages from `target` to the end, last ones first, while there is room in front."""
        pace, end = Pace(4, 256), pages
        while end > target:
            low = max(target, end - pace.amount)
            try:
                with pace.batch(), self.act.transaction():
                    self._move(low, end, pace)
            except _NoRoom:
                return
            end = low
            self.act.session.progress(pages - end, pages - target, "pages moved")

    def _move(self, low: int, end: int, pace: Pace) -> None:
        """Update the rows of some pages until all are in front of them; those that land behind have some more tries."""
        rows, astray = self._rows(CLAIM_13 if self.old else CLAIM, low, end)[0][0], 0
        for _ in range(_FILLINGS):
            if not rows or pace.late:
                return
            values = {"rows": rows, "first": f"({low},0)", "end": f"({end},0)"}
            rows, behind = self.act.execute(MOVE, values=values, table=self.table, column=(self.column,))[0]
            astray += bool(behind)
            if astray > _ASTRAY:
                break
        raise _NoRoom

    def _wide(self, column: str, ours: Container[str], pace: Pace) -> Iterator[tuple[list[str], int]]:
        """Yield rows that are not of our transactions and have a wide value, in bundles of as many bytes as a batch can take."""
        bundle: list[str] = []
        size, pages = 0, self.extent().pages
        for low in range(0, pages, _LOOK):
            self.act.session.progress(low, pages, f"pages, {column} moved")
            for row, bytes, xid in self._rows(WIDE_13 if self.old else WIDE, low, low + _LOOK, column=(column,)):
                if xid not in ours:
                    bundle, size = [*bundle, row], size + bytes
                if size >= pace.amount:
                    yield bundle, size
                    bundle, size = [], 0
        if bundle:
            yield bundle, size

    def _rows(self, query: Statement, low: int, end: int, **places: tuple[str, ...]) -> list[tuple[Any, ...]]:
        values = {"first": f"({low},0)", "end": f"({end},0)", "low": low, "high": end}
        return self.act.execute(query, values=values, table=self.table, **places)

    def _wait_for_table(self) -> str:
        return wait_for_table(self.act.session, self.act.deadline, (self.database, self.oid), self.idle, self.patience)

    def _vacuum(self) -> None:
        """Vacuum the table and its TOAST; LockNotAvailable when another session has kept it locked for too long."""
        until = Deadline(self.patience)
        while True:
            try:
                self.act.work(VACUUM, table=self.table)
                return
            except LockNotAvailable:
                if not until.left:
                    raise
            clock.sleep(_RETRY)
