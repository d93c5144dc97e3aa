"""Judge who is connected: how many, for how long, and who waits for whom."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.postgres.health.facts import HealthFacts
from mainstay.kinds.postgres.health.rows import Busy, Waiter
from mainstay.model.because import Because, Finding, Level, because
from mainstay.model.units import Duration, Share

_FULL = Share(0.95)  # above this the next peak is refused
_SHOWN = 12  # sessions of one chain that are told apart


def judge_sessions(facts: HealthFacts) -> list[Finding]:
    """Judge the number of connections, then each session that takes too long, then each chain of waiting ones."""
    return [*_connections(facts), *_long(facts), *_chains(facts)]


def _connections(facts: HealthFacts) -> Iterator[Finding]:
    capacity, limit = facts.capacity, facts.settings.limits.connections
    if capacity.share <= limit:
        return
    most = ", ".join(f"{one.count} {one.state} of {one.user} ({one.application or 'unnamed'})" for one in facts.connections[:3])
    idle = f"{capacity.idle} are idle: " if capacity.idle else ""
    advice = (
        f"{capacity.used} of {capacity.most - capacity.reserved}: {most}; {idle}put a pooler in front (PgBouncer) or make the"
        " applications' pools smaller; a larger max_connections costs memory and a restart"
    )
    level = Level.CRITICAL if capacity.share >= _FULL else Level.WARNING
    yield Finding(level, "connections", because("connections", capacity.share, ">", limit, "limits.connections"), advice)


def _long(facts: HealthFacts) -> Iterator[Finding]:
    for one in facts.busy:
        reason = _too_long(one, facts)
        if reason and one.role == "client":
            end = "pg_terminate_backend" if one.idle is not None else "pg_cancel_backend"
            advice = f"{who(one)}: {one.query}; SELECT {end}({one.pid}), or the task cancel"
            yield Finding(Level.WARNING, f"process {one.pid}", reason, advice)
        elif reason and one.role not in ("mainstay", "replication"):
            yield Finding(Level.OK, f"process {one.pid}", reason, f"leave it alone: {one.role}")


def _too_long(one: Busy, facts: HealthFacts) -> Because | None:
    limits = facts.settings.limits
    for fact, value, limit in (
        ("idle_transaction", one.idle, limits.idle_transaction),
        ("transaction", one.transaction, limits.transaction),
        ("statement", one.statement, limits.statement),
    ):
        if value is not None and value > limit:
            return because(fact, value, ">", limit, f"limits.{fact}")
    return None


def who(one: Busy | Waiter) -> str:
    """Name the user, the application and the database of a session, as far as they may be seen."""
    known = f"{one.user} ({one.application})" if one.application else one.user
    return f"{known or 'unknown'} in {one.database}, {one.state or 'state hidden'}"


def _chains(facts: HealthFacts) -> Iterator[Finding]:
    """Find each session that waits for nobody while others wait for it, directly or through others."""
    known = {one.pid: one for one in facts.waiters}
    behind: dict[int, list[Waiter]] = {}
    for waiter in facts.waiters:
        for pid in waiter.blockers:
            behind.setdefault(pid, []).append(waiter)
    for root in behind:
        if root not in known or known[root].waited is None:
            yield from _chain(root, known.get(root), behind, facts)


def _chain(root: int, session: Waiter | None, behind: dict[int, list[Waiter]], facts: HealthFacts) -> Iterator[Finding]:
    limit = facts.settings.limits.lock_wait
    waiting = list(_behind(root, behind, set()))
    longest = max((one.waited or Duration(0) for _, one in waiting), default=Duration(0))
    if longest <= limit:
        return
    tree = ", ".join(f"process {one.pid} waits {one.waited} for {pid}" for pid, one in waiting[:_SHOWN])
    advice = f"blocks {len(waiting)}: {tree}; {_way_out(root, session, facts)}"
    on = f"process {root}" if root else "prepared transaction"
    yield Finding(Level.WARNING, on, because("lock_wait", longest, ">", limit, "limits.lock_wait"), advice)


def _behind(pid: int, behind: dict[int, list[Waiter]], seen: set[int]) -> Iterator[tuple[int, Waiter]]:
    """Yield everybody who waits for a process, those who wait for them included, each once."""
    for one in behind.get(pid, []):
        if one.pid not in seen:
            seen.add(one.pid)
            yield pid, one
            yield from _behind(one.pid, behind, seen)


def _way_out(root: int, session: Waiter | None, facts: HealthFacts) -> str:
    if not root or session is None:
        return "it is prepared or gone: see pg_prepared_xacts, and COMMIT or ROLLBACK PREPARED what nobody will finish"
    role = next((one.role for one in facts.busy if one.pid == root), "client")
    if role != "client":
        return f"leave it alone: {role}"
    end = "pg_terminate_backend" if session.state.startswith("idle") else "pg_cancel_backend"
    return f"it is {who(session)}: {session.query}; SELECT {end}({root}), or the task cancel"
