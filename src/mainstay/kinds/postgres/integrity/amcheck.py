"""Find damaged indexes and tables before a query or a restore does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.kinds.postgres.integrity.soundness import Checkable, Examiner, Verdict, turn
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import Impact, On
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.clock import Deadline


@dataclass(frozen=True)
class AmcheckFacts:
    """The newest result of every index and table, and why databases are not looked at ("name": "why")."""

    at: datetime
    settings: PostgresSettings
    took: Duration
    verdicts: tuple[Verdict, ...] = ()
    closed: dict[str, str] | None = None


class Amcheck(TaskKind[AmcheckFacts, NoParams]):
    """amcheck in turns: as much as one go may take, and the next time what is left."""

    name = "amcheck"
    summary = "look for damage in indexes and tables, in turns"
    task_class = TaskClass.CHECK
    impact = Impact.BLOCKS_WRITES
    facts = AmcheckFacts

    def highest_impact(self, settings: PostgresSettings, params: NoParams) -> Impact:
        """Writes wait only where pages are compared with their parents."""
        return Impact.BLOCKS_WRITES if settings.amcheck.depth == "parents" else Impact.LOAD

    def observe(self, session: Session, on: On | None = None) -> AmcheckFacts:
        """Check what was checked longest ago, as long as there is time."""
        limits, began = session.target.settings.amcheck, clock.monotonic()
        until, found = Deadline(limits.time), session.connection.everywhere(Checkable)
        last = {(one.on, one.oid): one for one in session.last.verdicts} if session.last else {}
        open = [one for one in found if one.allowed and (limits.tables or one.kind == "index")]
        known = {one.on: _known(one, last.get((one.on, one.oid))) for one in open}
        chosen = turn(known.values(), limits.most)
        with Examiner(session, until) as examiner:
            for number, one in enumerate(chosen):
                if not until.left or (verdict := examiner.check(one)) is None:
                    break
                known[one.on] = verdict
                session.progress(number + 1, len(chosen), "objects")
        took = Duration(clock.monotonic() - began)
        return AmcheckFacts(clock.now(), session.target.settings, took, tuple(known.values()), _closed(found))

    def assess(self, facts: AmcheckFacts, params: NoParams) -> list[Finding]:
        """Damage is critical; what could not be looked at is said, and how much was."""
        lacking = [
            Finding(Level.WARNING, f"database {name}", because("amcheck", why), _GRANT)
            for name, why in (facts.closed or {}).items()
        ]
        return [*_damage(facts), *lacking, *_coverage(facts)]


_GRANT = "CREATE EXTENSION amcheck; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA of that extension TO this role"


def _known(one: Checkable, last: Verdict | None) -> Verdict:
    return Verdict(one.on, one.oid, one.size, one.quoted, last.at if last else None, last.problem if last else "")


def _closed(found: tuple[Checkable, ...]) -> dict[str, str]:
    """Say which databases cannot be looked at."""
    return {
        one.database: "this role may not call its functions" if one.installed else "the extension is not installed"
        for one in found
        if not one.allowed
    }


def _damage(facts: AmcheckFacts) -> Iterator[Finding]:
    for one in (verdict for verdict in facts.verdicts if verdict.problem):
        advice = f"keep a copy of the data directory, then: REINDEX INDEX CONCURRENTLY {one.quoted}"
        if one.on[0] == "table":
            advice = f"keep a copy of the data directory, then restore {one.quoted} from a proven backup"
        yield Finding(Level.CRITICAL, " ".join(one.on), because("amcheck", one.problem), advice)


def _coverage(facts: AmcheckFacts) -> Iterator[Finding]:
    """Say how much is sound, and since when."""
    seen = [one.at for one in facts.verdicts if one.at]
    size, sound = (
        Size(sum(one.size for one in facts.verdicts if one.at)),
        sum(not one.problem for one in facts.verdicts if one.at),
    )
    if seen:
        why = because(
            f"{sound:,} of {len(facts.verdicts):,} objects are sound ({size}), the oldest look", min(seen).date().isoformat()
        )
        yield Finding(Level.OK, "amcheck", why)
