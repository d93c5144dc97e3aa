"""Is what lies on disk sound: one look at an index or a table with amcheck, and whose turn it is."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.statement import LockNotAvailable
from mainstay.model.errors import DeadlinePassed, MainstayError
from mainstay.model.plan import On
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.clock import Deadline

if TYPE_CHECKING:
    from mainstay.kinds.postgres.server import Server

_DAMAGE = ("XX", "58")  # classes of SQLSTATE: corrupted data, and what the operating system could not read
_POLL = 0.05  # seconds between two pulses


@dataclass(frozen=True)
class Checkable:
    """An index or a table that amcheck can look at."""

    sql: ClassVar[str] = "checkable"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    oid: int
    kind: str  # index, table
    table: str
    size: Size
    quoted: str
    allowed: bool
    installed: bool

    @property
    def on(self) -> On:
        """Its structured id."""
        return (self.kind, self.database, self.schema, self.name)


@dataclass(frozen=True)
class Checked:
    """What amcheck said, "" when nothing."""

    sql: ClassVar[str] = "check_rows"
    extension: ClassVar[str] = "amcheck"

    oid: int
    problem: str


class _Order(Checked):
    sql: ClassVar[str] = "check_order"


class _Parents(Checked):
    sql: ClassVar[str] = "check_parents"


class _Table(Checked):
    sql: ClassVar[str] = "check_table"


@dataclass(frozen=True)
class Verdict:
    """The newest result of one index or table; `at` is None when it was never checked."""

    on: On
    oid: int
    size: Size
    quoted: str
    at: datetime | None = None
    problem: str = ""


_DEPTHS: dict[str, type[Checked]] = {"order": _Order, "rows": Checked, "parents": _Parents}


def turn(known: Iterable[Verdict], most: Size) -> list[Verdict]:
    """Return what is to be checked now: what was checked longest ago first, up to so many bytes, but at least one."""
    chosen: list[Verdict] = []
    for one in sorted(known, key=lambda one: (one.at is not None, one.at and one.at.timestamp(), one.on)):
        if chosen and sum(each.size for each in chosen) + one.size > most:
            break
        chosen.append(one)
    return chosen


class Examiner:
    """Checks one index or table after the other on connections of its own, whose statements may take longer than other looks."""

    def __init__(self, session: Session, until: Deadline) -> None:
        self.session, self.until = session, until
        self.settings: PostgresSettings = session.target.settings
        patient = replace(self.settings, statement_timeout=Duration(max(until.left, 1)))
        self.server: Server = type(session.connection)(
            replace(session.target, settings=patient), session.door.place, session.door.tag
        )

    def __enter__(self) -> Examiner:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.close()

    def check(self, one: Verdict) -> Verdict | None:
        """Check one index or table, while all go on; None when the time was over before. What is locked keeps its turn."""
        row = _Table if one.on[0] == "table" else _DEPTHS[self.settings.amcheck.depth]
        try:
            found = self._attended(row, one)
        except DeadlinePassed:
            return None
        except LockNotAvailable:
            return one
        except MainstayError as error:
            if not str(getattr(error.__cause__, "sqlstate", None)).startswith(_DAMAGE):
                raise
            return replace(one, at=clock.now(), problem=error.because)
        return replace(one, at=clock.now(), problem=found[0].problem) if found else one

    def _attended(self, row: type[Checked], one: Verdict) -> tuple[Checked, ...]:
        """Look in a second thread while the wish to stop is asked."""
        with ThreadPoolExecutor(1) as pool:
            future = pool.submit(self.server.read, row, one.on[1], (one.oid,))
            try:
                while not wait([future], _POLL).done:
                    self.session.pulse(self.until)
            except MainstayError:
                self.session.connection.end_others()
                raise
            return future.result()
