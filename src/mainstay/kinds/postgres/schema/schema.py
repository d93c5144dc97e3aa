"""A review of the schema: keys, constraints, types, numbers that end, tables and columns that nobody uses. Nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.kind import Session, TaskKind
from mainstay.kinds.postgres.schema.flaws import EndFlaw, Flaw, SchemaFacts, look_flaws
from mainstay.model.because import Because, Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration, Share, Size

# What goes wrong, or will; the gravest first. Everything else is advice.
_FAULTS = ("numbers end", "no key", "trigger off", "not validated", "key types differ")
_BY_SIZE = {"large": "partition_size", "out of line": "toast_size"}


@dataclass(frozen=True)
class SchemaParams:
    """What is worth a word."""

    observed: Annotated[Duration, Setting("how long a table must have been without use", ge=0, example="90d")] = Duration(
        90 * 86400
    )
    partition_size: Annotated[Size, Setting("tables with a time column that are larger could be partitioned", ge=0)] = Size(
        100_000_000_000
    )
    toast_size: Annotated[Size, Setting("values stored out of line that are larger in all are named", ge=0)] = Size(
        10_000_000_000
    )
    most: Annotated[int, Setting("findings that are shown, the gravest and largest first", ge=1)] = 50


class Schema(TaskKind[SchemaFacts, SchemaParams]):
    """Every finding has the statement that would change it; a person thinks, and runs it in a migration of the application."""

    name = "schema"
    summary = "missing keys, unlike key types, unchecked constraints, numbers near their end, doubtful types, unused tables"
    task_class = TaskClass.CHECK
    facts = SchemaFacts
    params = SchemaParams

    def observe(self, session: Session, on: On | None = None) -> SchemaFacts:
        """Look at every database that is cared for."""
        return look_flaws(session)

    def assess(self, facts: SchemaFacts, params: SchemaParams) -> list[Finding]:
        """Faults before advice, large before small."""
        found = [*facts.ends, *facts.keys, *facts.types, *facts.use]
        ranked = sorted(((_rank(one), -one.size, one) for one in found if _counts(one, facts, params)), key=lambda one: one[:2])
        findings = [Finding(_level(one), one.shown, _reason(one, facts, params), one.statement) for _, _, one in ranked]
        left = len(findings) - params.most
        more = Finding(Level.OK, "server", because("findings left out", left + params.most, ">", params.most, "most"))
        return [*findings[: params.most], *([more] if left > 0 else [])]


def _rank(flaw: Flaw) -> int:
    return _FAULTS.index(flaw.rule) if flaw.rule in _FAULTS else len(_FAULTS)


def _level(flaw: Flaw) -> Level:
    if flaw.rule == "numbers end" and (flaw.value or 0) >= 0.95:  # inserts fail soon
        return Level.CRITICAL
    return Level.WARNING if flaw.rule in _FAULTS else Level.OK


def _counts(flaw: Flaw, facts: SchemaFacts, params: SchemaParams) -> bool:
    """Tell whether a flaw reaches its limit."""
    if isinstance(flaw, EndFlaw):
        return (flaw.value or 0) >= facts.settings.limits.sequence
    if flaw.rule in _BY_SIZE:
        return bool(flaw.size > getattr(params, _BY_SIZE[flaw.rule]))
    return flaw.rule != "never used" or (_observed(flaw, facts) or 0) >= params.observed


def _observed(flaw: Flaw, facts: SchemaFacts) -> Duration | None:
    return next((one.age for one in facts.observed if one.database == flaw.database), None)


def _reason(flaw: Flaw, facts: SchemaFacts, params: SchemaParams) -> Because:
    if isinstance(flaw, EndFlaw):
        return because(flaw.detail, flaw.value, ">=", Share(facts.settings.limits.sequence), "limits.sequence")
    what = f"{flaw.part}: {flaw.detail}" if flaw.part else flaw.detail
    if flaw.rule in _BY_SIZE:
        return because(what, flaw.size, ">", getattr(params, _BY_SIZE[flaw.rule]), _BY_SIZE[flaw.rule])
    if flaw.rule == "never used":
        return because(f"{what} for", _observed(flaw, facts), ">=", params.observed, "observed")
    return because(what, flaw.size)
