"""A restored copy and the live target exchange their places: the act, its way back, and its proof.

Nothing is destroyed: what users reached before stays, closed, as it was at that moment. Its name is unique to the run and written
down before the exchange, so whoever looks later can tell whether it happened.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC
from typing import TypeVar

from mainstay.kinds.backup.facts import opened
from mainstay.kinds.backup.seen import Lacks, PlacesFacts, counted, look_places, swappable
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.errors import Refused
from mainstay.model.plan import Impact, On, Step, Undo
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline
from mainstay.vault import places
from mainstay.vault.names import BackupId
from mainstay.vault.places import Place

_DEADLINE = Duration(120)
P = TypeVar("P")


class Exchange(TaskKind[PlacesFacts, P]):
    """What all tasks do that put another place under the live name."""

    task_class = TaskClass.CHANGE
    impact = Impact.DOWNTIME
    facts = PlacesFacts

    def observe(self, session: Session, on: On | None = None) -> PlacesFacts:
        """Read the catalogue, look at all places, and count what is live; with `on`, look at the places of its target."""
        facts = look_places(session, on)
        return facts if on else counted(session, facts)

    def verify(self, before: PlacesFacts, after: PlacesFacts, step: Step) -> str | None:
        """The names tell: what users reached is where only this run puts it, and the other place has become the live one."""
        target, copy, name = (step.args[part] for part in ("target", "copy", "name"))
        old, living = after.named(target, name), after.living(target)
        if not living.there:
            return f"{target} is not there"
        if step.action == "give_back":
            return "what was replaced is not back" if old and old.there else None
        if old is None or not old.there or after.is_there(target, copy):
            return f"{copy} has not taken the place of {target}"
        return None if old.place.complete else f"{copy} is in place, but users may still be kept waiting"

    def locks(self, resource: str, params: P) -> tuple[Lock, ...]:
        """Beside readers of the repository; no backup is made meanwhile, and one exchange at a time."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#backup"), Lock(f"{resource}#exchange"))

    def tidy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """End what an unfinished exchange has begun, and let users in whom it keeps waiting."""
        swappable(session, step.args["target"]).reopen(session.work(deadline))

    @action("exchange")
    def exchange(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Write down what the live place will be called, and exchange."""
        args, store, repository = step.args, swappable(session, step.args["target"]), opened(session)
        target, copy, backup = args["target"], args["copy"], BackupId(args["backup"])
        place, work = store.beside(args["name"]), session.work(deadline)
        old = Place(1, target, place, "replaced", backup, clock.now(), args["name"], Duration(args["keep"]), complete=False)
        if store.exists(place):  # it happened, and whoever did it died
            store.reopen(work)
        elif store.exists(copy):
            places.write(repository, old)
            store.swap(copy, place, work)
        else:
            raise Refused("there is no such copy", on=copy, next=f"mainstay restore {target} makes one")
        places.forget(repository, target, copy)
        places.write(repository, replace(old, complete=True))
        session.output.append(f"what was live is kept as {place}")

    @action("give_back")
    def give_back(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Exchange them again; what was live in between stays under the name that the copy had."""
        args, store, repository = step.args, swappable(session, step.args["target"]), opened(session)
        target, copy, place = args["target"], args["copy"], store.beside(args["name"])
        work = session.work(deadline)
        store.reopen(work)
        if store.exists(place):
            kept = Place(1, target, copy, "replaced", BackupId(args["backup"]), clock.now(), "", Duration(args["keep"]))
            places.write(repository, kept)
            store.swap(place, copy, work)
        places.forget(repository, target, place)


def exchanging(facts: PlacesFacts, place: Place, name: str, keep: Duration, reason: str) -> Step:
    """Return the step that puts a place under the live name. `name` is how the live one will be called; the run is its own."""
    living, target = facts.living(place.target), place.target
    lacks = living.lacks.get(place.backup) or Lacks(0, f"nobody knows: {living.uncounted or 'its backup is gone'}")
    args = {"target": target, "copy": place.place, "backup": place.backup, "name": name, "keep": keep}
    return Step(
        f"exchange {target}",
        "exchange",
        ("copy" if place.role == "restored" else place.role, target, place.place),
        because(f"{reason}; what it lacks of what is live", lacks.told),
        Impact.DOWNTIME,
        Undo("give_back", args),
        args,
        deadline=_DEADLINE,
        holds=(f"place:{facts.repository.name}/{target}",),
        missing=lacks.total,
    )


def stamped(word: str, facts: PlacesFacts, run: str) -> str:
    """Return a name that is unique to the run: `before_20261121T020000Z_3f6c12ab`."""
    return f"{word}_{facts.repository.at.astimezone(UTC):%Y%m%dT%H%M%SZ}_{hashlib.sha256(run.encode()).hexdigest()[:8]}"
