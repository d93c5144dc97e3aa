"""Wait for those who stand in the way: transactions that hold a table, and snapshots that still see its dead rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mainstay.kinds.postgres.horizon import Holder
from mainstay.kinds.postgres.statement import statement
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

if TYPE_CHECKING:
    from mainstay.kinds.kind import Session
    from mainstay.kinds.postgres.acting import Act

MARK = statement("SELECT (txid_snapshot_xmax(txid_current_snapshot()) % 4294967296)::text")
AGE = statement("SELECT age(%(mark)s::xid)")
_POLL = 0.25  # seconds between two looks


@dataclass(frozen=True)
class TableHolder:
    """An open transaction that holds a table; `age` is None where this role may not see it."""

    sql: ClassVar[str] = "table_holders"
    extension: ClassVar[str] = ""

    oid: int
    who: str
    age: Duration | None


def wait_for_table(session: Session, deadline: Deadline, held: tuple[str, int], older: Duration, patience: Duration) -> str:
    """Wait until no transaction older than `older` holds a table (database, oid); return who still does, "" for nobody."""
    database, oid = held

    def holder() -> str:
        found = session.connection.read(TableHolder, database, [oid])
        return next((one.who for one in found if one.age is not None and one.age > older), "")

    return _wait(session, deadline, holder, patience)


def wait_for_snapshots(act: Act, patience: Duration) -> str:
    """Wait until nobody sees rows that are dead by now; return who still does, "" for nobody."""
    database, mark = act.connection.info.dbname, act.execute(MARK)[0][0]

    def holder() -> str:
        age = act.execute(AGE, values={"mark": mark})[0][0]
        return next((one.who for one in act.server.read(Holder, database) if one.xids > age), "")

    return _wait(act.session, act.deadline, holder, patience)


def _wait(session: Session, deadline: Deadline, holder: Callable[[], str], patience: Duration) -> str:
    until = Deadline(patience)
    while who := holder():
        session.pulse(deadline)
        if not until.left:
            return who
        session.progress(0, 0, f"waiting for {who}")
        clock.sleep(_POLL)
    return ""
