"""pg_repack so that nobody notices: it starts when nobody is in its way, and gives up rather than let others queue behind it.

pg_repack locks the table for a moment at its beginning and at its end. Left to itself it queues for up to a second each time, and
everybody queues behind it. Here every wait for a lock ends after `lock_timeout`; a race that is lost costs a new start.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from mainstay.kinds.kind import Deferred, Session
from mainstay.kinds.postgres import programs
from mainstay.kinds.postgres.compactable import Compactable
from mainstay.kinds.postgres.holding import wait_for_table
from mainstay.kinds.postgres.rewrite import settle_table, untouched
from mainstay.kinds.postgres.statement import LockNotAvailable, statement
from mainstay.model.because import because
from mainstay.model.errors import StepFailed
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

_POLL = 0.5  # seconds between two looks at the progress
_PAUSE = Duration(1)  # after a lost race
_LOST = ("lock timeout", "lock_timeout", "deadlock detected", "statement timeout")


@dataclass(frozen=True)
class Copied:
    """How much of a table pg_repack has copied."""

    sql: ClassVar[str] = "repack_progress"
    extension: ClassVar[str] = ""

    oid: int
    bytes: Size


def repack(session: Session, step: Step, deadline: Deadline) -> Deferred | None:
    """Repack one table: a new start for each lost race, and none while an old transaction holds the table."""
    said = ""
    for _ in range(step.args["tries"]):
        if not untouched(session, step):
            break
        clear(session, step, deadline)
        held, idle, patience = (step.on[1], step.args["oid"]), Duration(step.args["max_idle"]), Duration(step.args["patience"])
        if who := wait_for_table(session, deadline, held, idle, patience):
            return Deferred(because("an open transaction holds the table", who))
        done = _run(session, step, deadline)
        said = _last_line(done)
        if untouched(session, step):
            _lost_a_race(done, said, step)
            clock.sleep(_PAUSE)
    clear(session, step, deadline)
    if untouched(session, step):
        return Deferred(because(f"the lock was not free at any of {step.args['tries']} starts: {said}", None))
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


def _drop(act: Act, table: Compactable) -> None:
    if "trigger repack_trigger" in table.leftovers:
        act.execute(DROP_TRIGGER, table=(table.schema, table.name))
    act.execute(DROP_TABLE, table=("repack", f"log_{table.oid}"))
    act.execute(DROP_TYPE, type=("repack", f"pk_{table.oid}"))
    act.execute(DROP_TABLE, table=("repack", f"table_{table.oid}"))


def _run(session: Session, step: Step, deadline: Deadline) -> Completed:
    """Run pg_repack in a second thread while its progress is told."""
    program = programs.find(session, "pg_repack")
    if program is None:
        raise StepFailed("pg_repack is gone", on=shown(step.on), next="install it where the server runs, or use another strategy")
    lock_timeout = f"{round(session.target.settings.lock_timeout * 1000)}ms"
    environment = programs.reaching(session, step.on[1], lock_timeout=lock_timeout)
    table = ["--table", step.args["quoted"]]
    arguments = [
        "--no-order",
        "--no-analyze",
        "--no-kill-backend",
        "--no-password",
        f"--wait-timeout={max(1, round(step.args['patience']))}",
        *table,
    ]
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(programs.run, session, program, arguments, deadline.left, environment)
        while not wait([future], _POLL).done:
            for copied in session.connection.read(Copied, step.on[1], [step.args["oid"]]):
                session.progress(min(copied.bytes, step.args["forecast"]), step.args["forecast"], "B")
        return future.result()


def _last_line(done: Completed) -> str:
    lines = [line for line in legible(done.stderr).splitlines() if line.startswith(("ERROR", "WARNING"))]
    return lines[0] if lines else f"exit code {done.code}"


def _lost_a_race(done: Completed, said: str, step: Step) -> None:
    """Raise unless it failed for want of a lock."""
    if not any(phrase in legible(done.stderr) for phrase in _LOST):
        raise StepFailed("pg_repack did not repack the table", on=shown(step.on), because=said, next="run it by hand to see more")
