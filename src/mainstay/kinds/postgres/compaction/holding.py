"""Wait for those who stand in the way: transactions that hold a table, and snapshots that still see its dead rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mainstay.kinds.postgres.statement import statement
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

if TYPE_CHECKING:
    from mainstay.kinds.kind import Session
    from mainstay.kinds.postgres.acting import Act

MARK = statement("SELECT (txid_snapshot_xmax(txid_current_snapshot()) % 4294967296)::text")
OLDER = statement(  # VACUUM itself sees no dead rows; ages are those of one moment, which two queries would not have
    "SELECT format('process %%s (%%s)', a.pid, concat_ws(', ', a.usename, nullif(a.application_name, ''), a.state))"
    " FROM pg_stat_activity a WHERE a.pid <> pg_backend_pid()"
    " AND (a.datname = current_database() OR a.backend_type = 'walsender')"
    " AND greatest(age(a.backend_xmin), age(a.backend_xid)) > age(%(mark)s::xid)"
    " AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum p WHERE p.pid = a.pid)"
    " UNION ALL SELECT format('prepared transaction %%L', p.gid) FROM pg_prepared_xacts p"
    " WHERE p.database = current_database() AND age(p.transaction) > age(%(mark)s::xid)"
    " UNION ALL SELECT format('replication slot %%s', s.slot_name) FROM pg_replication_slots s"
    " WHERE age(s.xmin) > age(%(mark)s::xid)"
)
_POLL = 0.1  # seconds between two looks


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
    mark = act.execute(MARK)[0][0]

    def holder() -> str:
        found = act.execute(OLDER, values={"mark": mark})
        return str(found[0][0]) if found else ""

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
