"""pg_repack so that nobody notices: it starts when nobody is in its way, and gives up rather than let others queue behind it.

pg_repack locks the table for a moment at its beginning and at its end. Left to itself it queues for up to a second each time, and
everybody queues behind it. Here every wait for a lock ends after `lock_timeout`; a race that is lost costs a new start. It asks
again without a pause when it wants to clean up then, so it is ended, and we do that.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from mainstay.kinds.kind import Deferred, Session
from mainstay.kinds.postgres import programs
from mainstay.kinds.postgres.compaction.compactable import Compactable
from mainstay.kinds.postgres.compaction.holding import wait_for_table
from mainstay.kinds.postgres.compaction.rewrite import settle_table, untouched
from mainstay.kinds.postgres.statement import LockNotAvailable, statement
from mainstay.model.because import because
from mainstay.model.errors import MainstayError, StepFailed
from mainstay.model.plan import Step, shown
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.clock import Deadline
from mainstay.system.process import Completed, legible

if TYPE_CHECKING:
    from mainstay.kinds.postgres.acting import Act

# In this order: while the trigger is there, every write needs the log, whose rows are of the type.
DROP_TRIGGER = statement("DROP TRIGGER IF EXISTS repack_trigger ON {table}")
DROP_TABLE = statement("DROP TABLE IF EXISTS {table}")
DROP_TYPE = statement("DROP TYPE IF EXISTS {type}")

_POLL = 0.25  # seconds between two looks at it
_PAUSE = Duration(1)  # after a lost race
_LOST = ("lock timeout", "RESET statement_timeout", "deadlock detected")  # the second is what it says after its first lock


@dataclass(frozen=True)
class Copied:
    """How far pg_repack is with a table. `insists`: it cannot clean up for want of a lock, and asks for it again and again."""

    sql: ClassVar[str] = "repack_progress"
    extension: ClassVar[str] = ""

    oid: int
    bytes: Size
    insists: bool


def repack(session: Session, step: Step, deadline: Deadline) -> Deferred | None:
    """Repack one table: a new start for each lost race, and none while an old transaction holds the table."""
    said = ""
    for _ in range(step.args["tries"]):
        clear(session, step, deadline)
        if not untouched(session, step):
            settle_table(session, step, deadline)
            return None
        if who := _holder(session, step, deadline):
            return Deferred(because("an open transaction holds the table", who))
        said = _attempt(session, step, deadline)
        clock.sleep(_PAUSE if said else 0)
    clear(session, step, deadline)
    if untouched(session, step):
        return Deferred(because(f"the lock was not free at any of {step.args['tries']} starts", said))
    settle_table(session, step, deadline)
    return None


def clear(session: Session, step: Step, deadline: Deadline) -> None:
    """Take away what a pg_repack that was ended has left of a table, unless one is at work on it."""
    database, oid = step.on[1], step.args["oid"]
    while found := [one for one in session.connection.read(Compactable, database, [oid]) if one.leftovers and not one.repacking]:
        try:
            with session.connection.acting(session, deadline, database) as act:
                _drop(act, found[0])
        except LockNotAvailable:
            session.pulse(deadline)
            clock.sleep(_PAUSE)
            _holder(session, step, deadline)


def _holder(session: Session, step: Step, deadline: Deadline) -> str:
    """Wait for whoever holds the table for long, without a place in the queue; return who still does, "" for nobody."""
    held, idle = (step.on[1], step.args["oid"]), Duration(step.args["max_idle"])
    return wait_for_table(session, deadline, held, idle, Duration(step.args["patience"]))


def _drop(act: Act, table: Compactable) -> None:
    if "trigger repack_trigger" in table.leftovers:
        act.execute(DROP_TRIGGER, table=(table.schema, table.name))
    act.execute(DROP_TABLE, table=("repack", f"log_{table.oid}"))
    act.execute(DROP_TYPE, type=("repack", f"pk_{table.oid}"))
    act.execute(DROP_TABLE, table=("repack", f"table_{table.oid}"))


def _attempt(session: Session, step: Step, deadline: Deadline) -> str:
    """Start pg_repack once; return what it says if it lost a race for a lock, "" if it did not."""
    try:
        done = _run(session, step, deadline)
    except _GivenUp:
        session.connection.end_others()
        return "it could not clean up"
    errors = [line for line in legible(done.stderr).splitlines() if line.startswith(("ERROR", "WARNING"))]
    if not untouched(session, step):
        return ""
    if not any(phrase in legible(done.stderr) for phrase in _LOST):
        why = errors[0] if errors else f"exit code {done.code}"
        raise StepFailed("pg_repack did not repack the table", on=shown(step.on), because=why, next="run it by hand to see more")
    return errors[0]


class _GivenUp(Exception):
    """It was ended because it insisted on a lock."""


def _run(session: Session, step: Step, deadline: Deadline) -> Completed:
    """Run pg_repack in a second thread while its progress is told; end it when it keeps everybody waiting."""
    given_up = threading.Event()
    door = replace(session.door, stop=lambda: given_up.is_set() or session.door.stop())
    program, arguments = _command(session, step)
    lock_timeout = f"{session.target.settings.lock_timeout * 1000:.0f}ms"
    environment = programs.reaching(session, step.on[1], lock_timeout=lock_timeout)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(programs.run, replace(session, door=door), program, arguments, deadline.left, environment)
        try:
            while not wait([future], _POLL).done:
                if _insists(session, step):
                    given_up.set()
        except MainstayError:
            given_up.set()
            raise
        if given_up.is_set():
            raise _GivenUp from future.exception()
        return future.result()


def _insists(session: Session, step: Step) -> bool:
    """Tell the progress; return whether pg_repack keeps everybody waiting."""
    found = session.connection.read(Copied, step.on[1], [step.args["oid"]])
    for copied in found:
        session.progress(min(copied.bytes, step.args["forecast"]), step.args["forecast"], "B")
    return any(copied.insists for copied in found)


def _command(session: Session, step: Step) -> tuple[programs.Program, list[str]]:
    program = programs.find(session, "pg_repack")
    if program is None:
        raise StepFailed("pg_repack is gone", on=shown(step.on), next="install it where the server runs, or use another strategy")
    wait_timeout = f"--wait-timeout={max(1, round(step.args['patience']))}"
    table = ["--table", step.args["quoted"]]
    return program, ["--no-order", "--no-analyze", "--no-kill-backend", "--no-password", wait_timeout, *table]
