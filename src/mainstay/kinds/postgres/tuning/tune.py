"""Fit the server's settings to its machine: recommended as statements, or changed one by one and taken back together."""

from __future__ import annotations

from collections.abc import Iterable

from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.kinds.postgres.tuning import alter
from mainstay.kinds.postgres.tuning.parameters import Parameter, TuneFacts, look_parameters
from mainstay.kinds.postgres.tuning.sizing import Advice, TuneParams, advise, memory_of
from mainstay.model.because import Because, Finding, Level, because
from mainstay.model.figure import Figure
from mainstay.model.plan import Impact, On, Skip, Step, Undo
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline

_SLOWER = 3  # times as long as before: then a setting does harm


class Tune(TaskKind[TuneFacts, TuneParams]):
    """Each setting is one `ALTER SYSTEM` with its previous value kept; none ever restarts the server."""

    name = "tune"
    summary = "settings that fit the server's memory, connections and storage: recommended, or changed with an undo"
    task_class = TaskClass.CARE
    impact = Impact.LOAD
    facts = TuneFacts
    params = TuneParams

    def observe(self, session: Session, on: On | None = None) -> TuneFacts:
        """Look at the settings, where each comes from, and the machine."""
        return look_parameters(session, on)

    def plan(self, facts: TuneFacts, params: TuneParams, name: str) -> list[Step | Skip]:
        """Change what is not as it should be, if that was asked for."""
        return [_decide(parameter, found, facts, params) for parameter, found in advise(facts, params)]

    def assess(self, facts: TuneFacts, params: TuneParams) -> list[Finding]:
        """Recommend, and name what a person has set and what waits for a restart."""
        advice = [found for _, found in advise(facts, params) if isinstance(found, Advice)]
        memory = memory_of(facts, params)
        whose = "memory that a control group allows" if facts.machine.limited else "memory"
        found = [Finding(Level.OK, "server", because(whose, memory or "cannot be seen from here"))]
        found += [Finding(Level.WARNING, f"{one.file}:{one.line}", because(one.name, one.problem)) for one in facts.problems]
        found += [_waiting(one, facts) for one in facts.parameters if one.pending]
        found += [Finding(Level.WARNING, one.parameter.name, one.because, one.statement) for one in advice]
        return found + [
            Finding(
                Level.OK,
                one.name,
                because(f"{one.value} for {one.role or 'all roles'} in {one.database or 'all databases'}", None),
            )
            for one in facts.overrides
        ]

    def verify(self, before: TuneFacts, after: TuneFacts, step: Step) -> str | None:
        """The file has the value, the server has heard of it and could start with it, and reads are as fast as before."""
        now, args, entry = after.parameters[0], step.args, after.entry(step.args["name"])
        wanted, number = (args["previous"], args["active"]) if step.action == "restore" else (args["value"], args["number"])
        if entry != wanted:
            return f"postgresql.auto.conf has {entry or 'no entry'}, not {wanted or 'none'}"
        if after.problems:
            return f"the server cannot use {after.problems[0].file}:{after.problems[0].line}: {after.problems[0].problem}"
        if now.number != number and not now.pending and number >= 0:
            return f"it is {now.written(now.number)}, not {now.written(number)}"
        slowest = max(before.latency * _SLOWER, after.settings.limits.latency)
        if step.action == "set" and after.latency > slowest:
            return f"a small read takes {after.latency}; before it took {before.latency}"
        return None

    def figures(self, facts: TuneFacts) -> Iterable[Figure]:
        """Return the settings, and what they do to reads."""
        return facts.figures()

    def tidy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Take back a value that was written and is not in force, or does harm."""
        if step.action == "set" and look_parameters(session, step.on).entry(step.args["name"]) == step.args["value"]:
            alter.put_back(session, step, deadline)

    @action("set")
    def set(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Write the new value and let the server read it."""
        alter.write(session, step, deadline)

    @action("restore")
    def restore(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Write the entry that was there before, or none."""
        alter.put_back(session, step, deadline)


def _decide(parameter: Parameter, found: Advice | Because, facts: TuneFacts, params: TuneParams) -> Step | Skip:
    on, name = ("setting", parameter.name), parameter.name
    if isinstance(found, Because):
        return Skip(on, found)
    previous = facts.entry(name)
    if reason := _unfit(found, facts, params):
        return Skip(on, reason)
    args = {"name": name, "value": found.value, "number": found.number, "previous": previous, "active": parameter.number}
    return Step(f"set {name}", "set", on, found.because, Impact.LOAD, Undo("restore", args), args, deadline=Duration(60))


def _unfit(found: Advice, facts: TuneFacts, params: TuneParams) -> Because | None:
    """Say why a setting that should change is not changed now."""
    name = found.parameter.name
    if facts.entry(name) == found.value:
        return because("pending_restart" if found.parameter.pending else "already in postgresql.auto.conf", found.value)
    if not params.apply:
        return because("apply", "false", "!=", "true", "apply")
    if name not in facts.alterable or not facts.where.may_reload or not facts.where.sees_files:
        return because("this role may not ALTER SYSTEM, see pg_file_settings, or reload", facts.where.role)
    if facts.problems:
        return because(f"{facts.problems[0].file}:{facts.problems[0].line}", facts.problems[0].problem)
    return None


def _waiting(parameter: Parameter, facts: TuneFacts) -> Finding:
    waits = because("pending_restart", f"{parameter.written(parameter.number)}, then {facts.entry(parameter.name) or 'another'}")
    return Finding(Level.WARNING, parameter.name, waits, "restart the server in a window: nothing here does that")
