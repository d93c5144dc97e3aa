"""Rebuild everything from the repository alone, for practice."""

from __future__ import annotations

from dataclasses import replace

from mainstay.kinds.backup.facts import RepositoryFacts, look, newest, obstacle, opened
from mainstay.kinds.kind import NoParams, Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.codec import decode, encode
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Cost, Impact, On, Skip, Step, Undo
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault import drill
from mainstay.vault.catalogue import Entry
from mainstay.vault.drill import Part
from mainstay.vault.names import ObjectName

_DEADLINE = Duration(12 * 3600)


class Drill(TaskKind[RepositoryFacts, NoParams]):
    """The newest backup of every target in one go, each in an isolated place; nothing of the live system is asked or touched."""

    name = "drill"
    summary = "rebuild every target from the repository alone in scratch places, timed, and write the record of it"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = RepositoryFacts
    teaches = True

    def observe(self, session: Session, on: On | None = None) -> RepositoryFacts:
        """Read the catalogue and the record of the last drill."""
        facts = look(session, None, session.last)
        return replace(facts, drill=drill.last(opened(session)) if facts.identity else None)

    def plan(self, facts: RepositoryFacts, params: NoParams, name: str) -> list[Step | Skip]:
        """One step for all of it: what is measured is how long everything takes."""
        on = ("drill", facts.name)
        if (reason := obstacle(facts)) is not None:
            return [Skip(on, reason, fails=True)]
        found = {target: newest(facts.of(target)) for target in facts.settings.of}
        if missing := [target for target, entry in found.items() if entry is None]:
            return [Skip(on, because("targets without any backup", ", ".join(missing)), fails=True)]
        return [_step([entry for entry in found.values() if entry], facts, name)]

    def verify(self, before: RepositoryFacts, after: RepositoryFacts, step: Step) -> str | None:
        """The record of this very drill is there, and everything was equal; or its scratch folders are gone."""
        records = [one.record for one in decode(tuple[Part, ...], step.args["parts"])]
        if step.action == "clear":
            left = [record for record in records if f"prove-{record}" in after.catalogue.leftovers]
            return f"{left[0]} is still there" if left else None
        done = after.drill
        if done is None or done.name != step.args["name"]:
            return "there is no record of this drill"
        return str(done.differing[0]) if done.differing else None

    def locks(self, resource: str, params: NoParams) -> tuple[Lock, ...]:
        """Beside everybody but a prune and a proof."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#prove"))

    @action("drill")
    def drill(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Rebuild, compare, time; the record is written whatever is found."""
        parts, work = decode(tuple[Part, ...], step.args["parts"]), session.work(deadline, step.cost.bytes)
        done = drill.drill(opened(session), session.stores, parts, ObjectName(step.args["name"]), work)
        session.output += [*map(str, done.rebuilt), f"all in {done.took}"]
        if done.differing:
            because = "; ".join(map(str, done.differing))
            raise StepFailed(
                "not everything can be rebuilt", on=session.target.name, because=because, next="make a new backup now"
            )

    @action("clear")
    def clear(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove the scratch folders of a killed drill."""
        for part in decode(tuple[Part, ...], step.args["parts"]):
            opened(session).sweep(f"prove-{ObjectName(part.record)}")


def _step(entries: list[Entry], facts: RepositoryFacts, name: str) -> Step:
    parts = encode([Part(entry.target, entry.id, ObjectName(f"{name}.{entry.target}")) for entry in entries])
    reason = because("last drill", f"{facts.drill.at:%Y-%m-%d}" if facts.drill else "none")
    args = {"name": name, "parts": parts}
    return Step(
        "drill",
        "drill",
        ("drill", facts.name),
        reason,
        Impact.LOAD,
        Undo("clear", args),
        args,
        deadline=_DEADLINE,
        cost=Cost(bytes=sum(entry.raw for entry in entries)),
        proves=tuple(entry.target for entry in entries),
        copied=min(entry.created for entry in entries),
    )
