"""Remove what copies have replaced, once its days are over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.backup.facts import opened
from mainstay.kinds.backup.seen import PlacesFacts, look_places
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.errors import Refused
from mainstay.model.plan import Impact, On, OneWay, Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault import places
from mainstay.vault.places import Place

_REASON = "what has taken its place was in use all the time that it was to be kept, or a person signed it off by name"


@dataclass(frozen=True)
class DropOldParams:
    """What may go before its time."""

    signed: Annotated[
        tuple[str, ...],
        Setting(
            "places that may go before their days are over, because somebody has looked", example="[shop_before_20261121T02]"
        ),
    ] = ()


class DropOld(TaskKind[PlacesFacts, DropOldParams]):
    """One step for each that goes, and a reason for each that stays."""

    name = "drop_old"
    summary = "remove what copies have replaced, once its days are over or somebody has signed it off"
    task_class = TaskClass.CARE
    impact = Impact.LOAD
    facts = PlacesFacts
    params = DropOldParams

    def observe(self, session: Session, on: On | None = None) -> PlacesFacts:
        """Look at all places that were made, or at those of one target."""
        return look_places(session, on)

    def plan(self, facts: PlacesFacts, params: DropOldParams, name: str) -> list[Step | Skip]:
        """Judge each place that is there."""
        targets = [one.target for one in facts.targets]
        return [_judged(facts, params, one) for target in targets for one in facts.there(target, "replaced")]

    def verify(self, before: PlacesFacts, after: PlacesFacts, step: Step) -> str | None:
        """It is gone, and the live one is not."""
        target, place = step.args["target"], step.args["place"]
        if not after.living(target).there:
            return f"{target} is not there"
        return f"{place} is still there" if after.is_there(target, place) else None

    def locks(self, resource: str, params: DropOldParams) -> tuple[Lock, ...]:
        """Not while places are exchanged."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#exchange"))

    @action("drop_old")
    def drop(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove it, if it is still what was replaced, and nobody needs it by now."""
        target, place, repository = step.args["target"], step.args["place"], opened(session)
        if f"place:{session.target.name}/{target}" in session.held:
            raise Refused("this place is held", on=place, because="an exchange is not settled", next="settle that run first")
        known = [one for one in places.read(repository) if (one.target, one.place, one.role) == (target, place, "replaced")]
        if known and str(known[0].at) == step.args["since"]:
            session.stores[target].remove(place)
            places.forget(repository, target, place)


def _judged(facts: PlacesFacts, params: DropOldParams, one: Place) -> Step | Skip:
    on, age = ("replaced", one.target, one.place), Duration((facts.repository.at - one.at).total_seconds())
    if (reason := facts.obstacle(one.target)) is not None:
        return Skip(on, reason)
    if not one.complete:
        return Skip(on, because("its exchange did not end", one.name))
    signed = one.place in params.signed
    if age < one.keep and not signed:
        return Skip(on, because("time since it was replaced", age, "<", one.keep))
    reason = because("signed off by name", one.place) if signed else because("time since it was replaced", age, ">=", one.keep)
    args = {"target": one.target, "place": one.place, "since": str(one.at)}
    return Step(f"drop {one.place}", "drop_old", on, reason, Impact.LOAD, OneWay(_REASON), args, deadline=Duration(1800))
