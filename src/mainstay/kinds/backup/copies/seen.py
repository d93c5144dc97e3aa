"""What is seen of restored copies, of what they have replaced, and of the live targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mainstay.kinds.backup.facts import RepositoryFacts, look, obstacle, opened
from mainstay.kinds.kind import Session
from mainstay.model.because import Because, because
from mainstay.model.errors import MainstayError, Refused
from mainstay.model.plan import On
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault import manifest as manifests
from mainstay.vault import places
from mainstay.vault.names import BackupId
from mainstay.vault.places import Place
from mainstay.vault.store import Dump, Store, Swappable, can_swap

_COUNTING = Duration(1800)
_TOLD = 3  # names in a reason


@dataclass(frozen=True)
class Lacks:
    """What a copy of a backup lacks of what is live now: rows or files in all, and what differs most by name.

    It is a difference of counts: what was changed, or replaced by as many others, is not among it.
    """

    total: int
    told: str


@dataclass(frozen=True)
class Living:
    """A target that users reach. `trouble` says why no copy can take its place, `uncounted` why nobody knows what one lacks."""

    target: str
    trouble: str = ""
    there: bool = True
    beside: dict[str, str] = field(default_factory=dict)  # where a copy of each backup would be restored, by its id
    lacks: dict[str, Lacks] = field(default_factory=dict)  # by the id of the backup
    uncounted: str = ""


@dataclass(frozen=True)
class Seen:
    """A place that a restore or an exchange made, and whether it is there."""

    place: Place
    there: bool


@dataclass(frozen=True)
class PlacesFacts:
    """The repository, its targets, the places that were made of its backups, and targets with an exchange that is not settled."""

    repository: RepositoryFacts
    targets: tuple[Living, ...] = ()
    places: tuple[Seen, ...] = ()
    held: frozenset[str] = frozenset()

    def living(self, target: str) -> Living:
        """Return what was seen of a target."""
        known = {one.target: one for one in self.targets}
        return known.get(target) or Living(target, "it is not among the targets of this repository")

    def there(self, target: str, role: str) -> list[Place]:
        """Return the places of a target that are there, the oldest first."""
        return [one.place for one in self.places if one.there and (one.place.target, one.place.role) == (target, role)]

    def is_there(self, target: str, place: str) -> bool:
        """Tell whether a place is there."""
        return any(one.there for one in self.places if (one.place.target, one.place.place) == (target, place))

    def named(self, target: str, name: str) -> Seen | None:
        """Return what was replaced under a name."""
        return next((one for one in self.places if (one.place.target, one.place.name) == (target, name)), None)

    def obstacle(self, target: str) -> Because | None:
        """Say why nothing of a target may be exchanged or removed now."""
        if (reason := obstacle(self.repository)) is not None:
            return reason
        if target in self.held:
            return because("held by an exchange that is not settled: roll that run back, or settle it", target)
        living = self.living(target)
        if living.trouble:
            return because(living.trouble, None)
        return None if living.there else because("it is not there: restore it into its own name (--into)", target)


def look_places(session: Session, on: On | None) -> PlacesFacts:
    """Look at every place that was made, or at those of the target that `on` names second."""
    start = f"place:{session.target.name}/"
    held = frozenset(one.removeprefix(start) for one in session.held if one.startswith(start))
    facts = PlacesFacts(look(session, on, session.last and session.last.repository), held=held)
    if obstacle(facts.repository):
        return facts
    targets = [on[1]] if on else list(session.target.settings.of)
    living = tuple(_living(one, session.stores.get(one)) for one in targets)
    live = {one.target: swappable(session, one.target).live for one in living if not one.trouble}
    known = [one for one in places.read(opened(session)) if one.place != live.get(one.target, one.place)]
    return replace(facts, targets=living, places=tuple(Seen(one, session.stores[one.target].exists(one.place)) for one in known))


def counted(session: Session, facts: PlacesFacts) -> PlacesFacts:
    """Count what is live now against every backup."""
    return replace(facts, targets=tuple(one if one.trouble else _counted(session, facts, one) for one in facts.targets))


def swappable(session: Session, target: str) -> Swappable:
    """Return the store of a target, whose copies can take its place."""
    store = session.stores[target]
    if not can_swap(store):
        raise Refused("no copy can take the place of this target", on=target, because=f"its kind, {store.kind}, cannot do that")
    return store


def _living(target: str, store: Store | None) -> Living:
    if store is None or not can_swap(store):
        return Living(target, f"{store.kind if store else 'its kind'} cannot put a copy in the place of a live target")
    try:
        return Living(target, there=store.exists(store.live))
    except MainstayError as error:
        return Living(target, str(error))


def _counted(session: Session, facts: PlacesFacts, living: Living) -> Living:
    store, repository = swappable(session, living.target), opened(session)
    ids = [entry.id for entry in facts.repository.of(living.target)]
    seen = replace(living, beside={str(id): store.beside(id[:16]) for id in ids})
    try:
        now = store.newer(Dump(), session.work(Deadline(_COUNTING)))
        lacks = {str(id): _lacks(now, manifests.read(repository.folder(id), BackupId(id))[0].counts) for id in ids}
    except MainstayError as error:  # what is live may be what was damaged
        return replace(seen, uncounted=str(error))
    return replace(seen, lacks=lacks)


def _lacks(now: dict[str, int], was: dict[str, int]) -> Lacks:
    changes = {name: count - was.get(name, 0) for name, count in now.items() if count != was.get(name, 0)}
    first: Sequence[str] = sorted(changes, key=lambda name: (-abs(changes[name]), name))[:_TOLD]
    rest = [f"{len(changes) - _TOLD} more"] if len(changes) > _TOLD else []
    names = ", ".join([*(f"{name} {changes[name]:+,}" for name in first), *rest])
    total = sum(change for change in changes.values() if change > 0)
    return Lacks(total, f"{total:,} (by count: {names})" if changes else "nothing (all counts are equal)")
