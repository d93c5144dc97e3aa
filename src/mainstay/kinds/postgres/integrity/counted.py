"""Which tables are counted, and their rows: all of one database in one snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.settings import Counting, PostgresSettings, Tolerance, qualified
from mainstay.kinds.postgres.statement import statement
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.clock import Deadline

if TYPE_CHECKING:
    from mainstay.kinds.postgres.acting import Act

SNAPSHOT = statement("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
COUNT = statement("SELECT count(*) FROM {table}")
_LARGEST = 20  # tables that are counted when none are named
_LOCK = "10s"  # a reader queues behind nobody but those who exclude it
Key = tuple[str, str, str]  # database, schema, name


@dataclass(frozen=True)
class Countable:
    """A table whose rows can be counted; a partitioned one counts as a whole."""

    sql: ClassVar[str] = "countable"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    readable: bool
    size: Size

    @property
    def key(self) -> Key:
        """Name it on this server."""
        return self.database, self.schema, self.name


@dataclass(frozen=True)
class Counted:
    """The rows of a table, None when it could not be counted: `problem` says why. `before` is None the first time.

    `wanted` is False for a table that is counted only because it was among the largest at the previous look.
    """

    database: str
    schema: str
    name: str
    rows: int | None = None
    before: int | None = None
    wanted: bool = True
    problem: str = ""

    @property
    def key(self) -> Key:
        """Name it on this server."""
        return self.database, self.schema, self.name

    @property
    def shown(self) -> str:
        """Name it in a finding."""
        return f"table {self.database} {self.schema}.{self.name}"


@dataclass(frozen=True)
class CountFacts:
    """The rows of tables; `missing` are those that are named in the settings, and in no database."""

    at: datetime
    settings: PostgresSettings
    took: Duration
    tables: tuple[Counted, ...]
    missing: tuple[str, ...] = ()

    def tolerance(self, table: Counted) -> tuple[Tolerance, str]:
        """Return what a table may change, and the setting that says so."""
        counting = self.settings.counts
        own = {qualified(name): one for name, one in counting.tables.items()}.get((table.schema, table.name))
        return (own, "counts.tables") if own else (counting.otherwise, "counts.otherwise")


def look(session: Session) -> CountFacts:
    """Count the tables that the settings name, or the largest; those that were counted before are compared."""
    began, counting = clock.monotonic(), session.target.settings.counts
    known = {one.key: one for one in session.connection.everywhere(Countable)}
    wanted = {one.key for one in _wanted(known.values(), counting)}
    before = _before(session.last, counting)
    rows = _count(session, [one for key, one in known.items() if one.readable and key in wanted | before.keys()])
    keys: list[Key] = [*(key for key in known if key in wanted), *(key for key in before if key not in wanted)]
    tables = [Counted(*key, rows.get(key), before.get(key), key in wanted, _problem(known.get(key))) for key in keys]
    missing = [name for name in counting.tables if qualified(name) not in {key[1:] for key in known}]
    took = Duration(clock.monotonic() - began)
    return CountFacts(clock.now(), session.target.settings, took, tuple(tables), tuple(missing))


def _wanted(tables: Iterable[Countable], counting: Counting) -> list[Countable]:
    if counting.tables:
        return [one for one in tables if (one.schema, one.name) in _names(counting)]
    return sorted(tables, key=lambda one: one.size, reverse=True)[:_LARGEST]


def _before(last: CountFacts | None, counting: Counting) -> dict[Key, int | None]:
    """Return the rows at the previous look of what is still asked for; what has left the largest is compared once more."""
    known = last.tables if last else ()
    return {one.key: one.rows for one in known if one.wanted and (not counting.tables or one.key[1:] in _names(counting))}


def _names(counting: Counting) -> set[tuple[str, ...]]:
    return {qualified(name) for name in counting.tables}


def _problem(table: Countable | None) -> str:
    if table is None:
        return "there is no such table any more"
    return "" if table.readable else "this role may not read it"


def _count(session: Session, tables: list[Countable]) -> dict[Key, int]:
    """Count database by database; hidden rows are an error, not fewer rows."""
    deadline = Deadline(session.target.settings.counts.within)
    found: dict[Key, int] = {}
    for database in dict.fromkeys(one.database for one in tables):
        found |= _count_in(session, database, [one for one in tables if one.database == database], deadline)
    return found


def _count_in(session: Session, database: str, tables: list[Countable], deadline: Deadline) -> dict[Key, int]:
    from mainstay.kinds.postgres.acting import Act
    from mainstay.kinds.postgres.server import milliseconds

    server, longest = session.connection, milliseconds(deadline.left)
    with server.connect(database, row_security="off", lock_timeout=_LOCK, statement_timeout=longest) as connection:
        act = Act(session, server, connection, deadline)
        act.execute(SNAPSHOT)
        return dict(_each(session, act, tables))


def _each(session: Session, act: Act, tables: list[Countable]) -> Iterator[tuple[Key, int]]:
    for done, one in enumerate(tables):
        session.progress(done, len(tables), "tables counted")
        yield one.key, int(act.work(COUNT, table=(one.schema, one.name))[0][0])
