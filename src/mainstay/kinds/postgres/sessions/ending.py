"""End what a session does: the statement first, then the session; each only if it is still the one that was planned."""

from __future__ import annotations

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.sessions.backends import BackendFacts, look_backends
from mainstay.kinds.postgres.statement import statement
from mainstay.model.plan import Step
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

# The same session, still at the same statement: asked in the very statement that ends it, for process ids are used again.
_STILL = """ FROM pg_stat_activity
WHERE pid = %(pid)s AND state = %(state)s AND (extract(epoch FROM backend_start) * 1000000)::bigint::text = %(started)s
AND (extract(epoch FROM CASE state WHEN 'active' THEN query_start ELSE state_change END) * 1000000)::bigint::text = %(since)s"""
CANCEL = statement("SELECT pg_cancel_backend(pid)" + _STILL)
TERMINATE = statement("SELECT pg_terminate_backend(pid)" + _STILL)


def still_at_it(facts: BackendFacts, step: Step) -> bool:
    """Tell whether the session of a step does what it did when the step was planned."""
    return any(one.since == step.args["since"] and one.state == step.args["state"] for one in facts.backends)


def end(session: Session, step: Step, deadline: Deadline) -> None:
    """Cancel its statement; after the grace, or at once when the transaction waits for its client, end the session."""
    who = {name: step.args[name] for name in ("pid", "started", "since", "state")}
    with session.connection.acting(session, deadline) as act:
        if step.args["state"] == "active":  # who waits for a client does not hear of a cancel
            act.execute(CANCEL, values=who)
            if _ended(session, step, deadline, Duration(step.args["grace"])):
                return
        if act.execute(TERMINATE, values=who):
            session.output.append(f"session {step.args['pid']} was ended")
            _ended(session, step, deadline, deadline.left)


def _ended(session: Session, step: Step, deadline: Deadline, within: Duration) -> bool:
    until = Deadline(within)
    while still_at_it(look_backends(session, step.on), step):
        session.pulse(deadline)
        if not until.left:
            return False
        clock.sleep(0.05)
    return True
