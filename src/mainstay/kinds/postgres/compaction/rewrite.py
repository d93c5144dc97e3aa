"""Write a table anew by one command of the server: online from version 19 on, else with everybody waiting."""

from __future__ import annotations

from mainstay.kinds.kind import Deferred, Session
from mainstay.kinds.postgres.compaction.compactable import Compactable
from mainstay.kinds.postgres.compaction.holding import wait_for_snapshots
from mainstay.kinds.postgres.statement import LockNotAvailable, Statement, statement
from mainstay.model.because import because
from mainstay.model.plan import Step
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

FULL = statement("VACUUM (FULL) {table}")
CONCURRENTLY = statement("REPACK (CONCURRENTLY) {table}")
BEFORE = statement(
    "VACUUM {table}"
)  # a rewrite copies rows that died while any transaction of any database was open; this does not
AFTERWARDS = statement("VACUUM (ANALYZE) {table}")  # a rewrite leaves the visibility map empty and the statistics old
_PAUSE = Duration(1)  # between two attempts to get the lock


def rewrite(session: Session, step: Step, deadline: Deadline, command: Statement) -> Deferred | None:
    """Rewrite a table unless an interrupted attempt has done it, then bring map and statistics up to date.

    LockNotAvailable when the table was locked whenever it was tried.
    """
    until = Deadline(Duration(step.args["patience"]))
    while untouched(session, step):
        try:
            with session.connection.acting(session, deadline, step.on[1]) as act:
                if who := wait_for_snapshots(act, until.left):
                    return Deferred(because("it still sees dead rows", who))
                act.work(BEFORE, table=tuple(step.on[2:]))
                act.work(command, table=tuple(step.on[2:]))
        except LockNotAvailable:
            if not until.left:
                raise
            clock.sleep(_PAUSE)
    settle_table(session, step, deadline)
    return None


def untouched(session: Session, step: Step) -> bool:
    """Tell whether the table still lies in the file that was planned to be replaced."""
    found = session.connection.read(Compactable, step.on[1], [step.args["oid"]])
    return bool(found) and found[0].filenode == step.args["filenode"]


def settle_table(session: Session, step: Step, deadline: Deadline) -> None:
    """Fill the visibility map and the statistics of a table that was written anew; a lock that is not free is waited for."""
    with session.connection.acting(session, deadline, step.on[1], patient=True) as act:
        act.work(AFTERWARDS, table=tuple(step.on[2:]))
