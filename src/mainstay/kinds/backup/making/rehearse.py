"""Do the tasks of a routine to copies rebuilt from backups, before they are done to what is in use."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from mainstay.kinds.backup.facts import look, obstacle, opened
from mainstay.kinds.backup.making.pieces import RehearsalFacts, chosen, known, lacking, pinned
from mainstay.kinds.kind import Deferred, Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.codec import decode
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Cost, Impact, On, Skip, Step, Undo
from mainstay.model.rehearsal import Piece, Tried, asked
from mainstay.model.setting import Setting
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault import rehearsal
from mainstay.vault.names import ObjectName
from mainstay.vault.rehearsal import Order, Part
from mainstay.vault.store import Rehearsing

_DEADLINE = Duration(12 * 3600)


@dataclass(frozen=True)
class RehearseParams:
    """What is rehearsed."""

    routine: Annotated[
        str, Setting("the routine, or one task of a routine, that is rehearsed", refers_to="routine", example="weekly")
    ]
    wear: Annotated[
        bool, Setting("write the rows of the copies anew first: a fresh copy is tidy, and most care would find nothing to do")
    ] = True


class Rehearse(TaskKind[RehearsalFacts, RehearseParams]):
    """Done, proven, taken back and compared, on copies that nobody else reaches; what is live is neither asked nor touched."""

    name = "rehearse"
    summary = "do the tasks of a routine to scratch copies of the newest backups, take them back, and write the record of it"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = RehearsalFacts
    params = RehearseParams

    def observe(self, session: Session, on: On | None = None) -> RehearsalFacts:
        """Read the catalogue, the routines, and the records of the newest rehearsals."""
        facts = look(session, None, session.last and session.last.repository)
        made = rehearsal.newest(opened(session)) if facts.identity else ()
        return RehearsalFacts(replace(facts, rehearsals=made), {} if on else known(session))

    def plan(self, facts: RehearsalFacts, params: RehearseParams, name: str) -> list[Step | Skip]:
        """One step for all of it, and a reason for each task that cannot be rehearsed."""
        on, pieces = ("rehearsal", params.routine), chosen(facts, params.routine)
        tried = tuple(piece for piece in pieces if not piece.why_not)
        left = [Skip(("task", one.task), because("not rehearsed", one.why_not)) for one in pieces if one.why_not]
        if (reason := obstacle(facts.repository) or lacking(facts, tried)) is not None:
            return [Skip(on, reason, fails=True), *left]
        return [_step(facts, params, pieces, name), *left]

    def verify(self, before: RehearsalFacts, after: RehearsalFacts, step: Step) -> str | None:
        """The record of this very rehearsal is there and tells of acts and no failure; or its scratch folders are gone."""
        if step.action == "clear":
            folders = [f"rehearse-{one.record}" for one in decode(tuple[Part, ...], step.args["parts"])]
            left = [one for one in folders if one in after.repository.catalogue.leftovers]
            return f"{left[0]} is still there" if left else None
        done = after.newest(step.on[1])
        if done is None or done.name != step.args["name"]:
            return "there is no record of this rehearsal"
        return next(iter(done.failures), None if done.acted else "no task found anything to do on the copies")

    def locks(self, resource: str, params: RehearseParams) -> tuple[Lock, ...]:
        """Beside everybody but a prune and a proof."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#prove"))

    @action("rehearse")
    def rehearse(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Rebuild, try, take back, compare; the record is written whatever is found. To have had nothing to do is no success."""
        pieces, work = decode(tuple[Piece, ...], step.args["pieces"]), session.work(deadline, step.cost.bytes)

        def perform(target: str, store: Rehearsing, place: str) -> tuple[Tried, ...]:
            assert session.practice
            if step.args["wear"]:
                store.wear(place, work)
            mine = tuple(one for one in pieces if one.target == target and not one.why_not)
            copy = store.target_at(place, session.targets[target])
            return session.practice.perform(session, mine, copy, step.args["name"], deadline)

        left = tuple(Tried(one.task, left_out=one.why_not) for one in pieces if one.why_not)
        parts = decode(tuple[Part, ...], step.args["parts"])
        order = Order(step.args["name"], step.on[1], parts, left)
        done = rehearsal.rehearse(opened(session), session.stores, order, perform, work)
        session.output += done.lines()
        if done.failures:
            told, next = "; ".join(done.failures), f"mend it before {done.of} runs; mainstay rehearse {done.of} --last"
            raise StepFailed("the rehearsal failed", on=done.of, because=told, next=next)
        return None if done.acted else Deferred(because("tasks that found something to do on the copies", 0))

    @action("clear")
    def clear(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove the scratch folders of a killed rehearsal."""
        for part in decode(tuple[Part, ...], step.args["parts"]):
            opened(session).sweep(f"rehearse-{ObjectName(part.record)}")


def _step(facts: RehearsalFacts, params: RehearseParams, pieces: tuple[Piece, ...], name: str) -> Step:
    entries = facts.entries(tuple(dict.fromkeys(one.target for one in pieces if not one.why_not)))
    args, last = {**pinned(pieces, entries, name), "wear": params.wear}, facts.newest(params.routine)
    reason = because(f"last rehearsal of {params.routine}", f"{last.at:%Y-%m-%d}" if last else "none")
    cost = Cost(bytes=sum(entry.raw for entry in entries))
    on = ("rehearsal", params.routine)
    undo, mark = Undo("clear", args), (params.routine, asked(pieces))
    return Step("rehearse", "rehearse", on, reason, Impact.LOAD, undo, args, deadline=_DEADLINE, cost=cost, rehearses=mark)
