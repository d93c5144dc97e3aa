"""Try tasks on copies rebuilt from backups, in places that nobody else reaches, and write down how it went."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mainstay.model.codec import canonical, decode
from mainstay.model.errors import Cancelled, Refused, StepFailed, Unreachable
from mainstay.model.rehearsal import Tried
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.files import write_atomic
from mainstay.vault.manifest import Damaged, Manifest
from mainstay.vault.names import BackupId, ObjectName
from mainstay.vault.repository import Repository
from mainstay.vault.restore import apart, differences
from mainstay.vault.store import Rehearsing, Store, Work, can_rehearse

Perform = Callable[[str, Rehearsing, str], tuple[Tried, ...]]  # what is done to the copy of a target: its store, its place


@dataclass(frozen=True)
class Part:
    """The copy of one target: the backup that it is made of, and the name of its scratch folder."""

    target: str
    id: BackupId
    record: str


@dataclass(frozen=True)
class Copied:
    """How it went on the copy of one target.

    compared     whether the copy was compared after everything was taken back, and the reason where it was not
    differences  what was other then
    trouble      why there was no copy
    """

    target: str
    id: BackupId
    loaded: Duration = Duration(0)
    tried: tuple[Tried, ...] = ()
    compared: str = ""
    differences: tuple[str, ...] = ()
    trouble: str = ""

    @property
    def failures(self) -> tuple[str, ...]:
        """Say everything that went wrong."""
        other = [f"{self.target}: after everything was taken back, {one}" for one in self.differences[:5]]
        missing = [f"{self.target}: {self.trouble}"] if self.trouble else []
        return (*missing, *(f"{one.task}: {one.failure}" for one in self.tried if one.failure), *other)


@dataclass(frozen=True)
class Rehearsal:
    """One rehearsal of a routine: under which name (that of its run), when, how long in all, each copy, and what was left out."""

    version: int
    name: str
    of: str
    at: datetime
    took: Duration
    copies: tuple[Copied, ...]
    left_out: tuple[Tried, ...] = ()

    @property
    def failures(self) -> tuple[str, ...]:
        """Say everything that went wrong."""
        return tuple(text for one in self.copies for text in one.failures)

    @property
    def acted(self) -> tuple[str, ...]:
        """Return the tasks that did something, and all of it well."""
        return tuple(one.task for copy in self.copies for one in copy.tried if one.acts and not one.failure)

    def lines(self) -> list[str]:
        """Tell it in a line for each copy and each task."""
        told = [line for copy in self.copies for line in (_copy(copy), *map(str, copy.tried), copy.compared)]
        return [*filter(None, told), *map(str, self.left_out), f"all in {self.took}"]


@dataclass(frozen=True)
class Order:
    """What is to be rehearsed: under which name, which routine, and on which copies."""

    name: str
    of: str
    parts: tuple[Part, ...]
    left_out: tuple[Tried, ...] = ()


def rehearse(repository: Repository, stores: Mapping[str, Store], order: Order, perform: Perform, work: Work) -> Rehearsal:
    """Rebuild each copy, have its tasks tried there, compare it when they were taken back, and write down the rehearsal."""
    began = clock.monotonic()
    copies = tuple(_rehearsed(repository, stores[part.target], part, perform, work) for part in order.parts)
    took = Duration(clock.monotonic() - began)
    record = Rehearsal(1, order.name, order.of, clock.now(), took, copies, order.left_out)
    write_atomic(repository.made(repository.rehearsals) / f"{ObjectName(order.name)}.json", canonical(record))
    return record


def all_of(repository: Repository) -> tuple[Rehearsal, ...]:
    """Return the rehearsals that can be read, oldest first."""
    found = []
    for path in repository.rehearsals.glob("[!.]*.json"):
        try:
            found.append(decode(Rehearsal, json.loads(path.read_bytes())))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # as good as none: there will be another
    return tuple(sorted(found, key=lambda one: one.at))


def newest(repository: Repository) -> tuple[Rehearsal, ...]:
    """Return the newest rehearsal of each routine."""
    return tuple({one.of: one for one in all_of(repository)}.values())


def _rehearsed(repository: Repository, store: Store, part: Part, perform: Perform, work: Work) -> Copied:
    """Rehearse on one copy; what keeps it from being made is part of the record, what stops the work is not."""
    began, id = clock.monotonic(), BackupId(part.id)
    if not can_rehearse(store):
        return Copied(part.target, id, trouble=f"no task can be tried on a copy of a target of kind {store.kind}")
    try:
        with apart(repository, id, store, part.record, work) as (isolated, place, manifest):
            loaded = Duration(clock.monotonic() - began)
            tried = perform(part.target, isolated, place)
            compared, differing = _compared(manifest, isolated, place, tried, work)
    except Cancelled:
        raise
    except (Refused, StepFailed, Unreachable) as error:
        return Copied(part.target, id, trouble=str(error).partition("\n")[0])
    return Copied(part.target, id, loaded, tried, compared, differing)


def _compared(
    manifest: Manifest, store: Rehearsing, place: str, tried: tuple[Tried, ...], work: Work
) -> tuple[str, tuple[str, ...]]:
    """Compare a copy with what was loaded, once everything was taken back; say why not where something stays."""
    kept = [f"{step} of {one.task}" for one in tried for step in one.one_way]
    if kept:
        return f"{manifest.target}: not compared: nothing takes back {kept[0]}", ()
    if not (manifest.counts or manifest.digests):
        return f"{manifest.target}: not compared: nothing was counted when the backup was made", ()
    try:
        found = differences(manifest, store.describe(place, work))
    except Damaged as error:
        found = (f"it is not sound: {error.on}: {error.because}",)
    told = "" if found else f"{manifest.target}: compared after everything was taken back: nothing is lost, and nothing is other"
    return told, found


def _copy(copy: Copied) -> str:
    return f"{copy.target}: {copy.trouble or f'copy of {copy.id} made and compared in {copy.loaded}'}"
