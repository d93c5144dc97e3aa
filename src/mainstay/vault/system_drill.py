"""Rebuild every target of a repository from the repository alone, for practice, and write down how it went."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from mainstay.model.codec import canonical, decode
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.files import write_atomic
from mainstay.vault.names import BackupId, ObjectName
from mainstay.vault.repository import Repository
from mainstay.vault.restore import prove
from mainstay.vault.store import Store, Work


@dataclass(frozen=True)
class Part:
    """One target of a drill: the backup that is rebuilt, and the name of the record about it."""

    target: str
    id: BackupId
    record: str


@dataclass(frozen=True)
class Rebuilt:
    """How the rebuilding of one target went. `differences` are of the copy, `faults` of what was backed up."""

    target: str
    id: BackupId
    took: Duration
    differences: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    def __str__(self) -> str:
        found = "; ".join((*self.differences[:3], *self.faults[:3])) or "equal to what was counted when it was made"
        return f"{self.target}: rebuilt in {self.took}, {found}"


@dataclass(frozen=True)
class Drill:
    """One drill: when, under which name (that of its run), how long in all, and each target."""

    version: int
    name: str
    at: datetime
    took: Duration
    rebuilt: tuple[Rebuilt, ...]

    @property
    def differing(self) -> tuple[Rebuilt, ...]:
        """Return the targets that could not be rebuilt as they were."""
        return tuple(one for one in self.rebuilt if one.differences)


def drill(repository: Repository, stores: Mapping[str, Store], parts: tuple[Part, ...], name: str, work: Work) -> Drill:
    """Rebuild each part in an isolated place that goes at once, and write down the drill and a proof of each."""
    began, rebuilt = clock.monotonic(), []
    for part in parts:
        proof = prove(repository, part.id, stores[part.target], ObjectName(part.record), work)
        rebuilt.append(Rebuilt(part.target, part.id, proof.took, proof.differences, proof.checked, proof.faults))
    record = Drill(1, name, clock.now(), Duration(clock.monotonic() - began), tuple(rebuilt))
    write_atomic(repository.made(repository.drills) / f"{ObjectName(name)}.json", canonical(record))
    return record


def last(repository: Repository) -> Drill | None:
    """Return the newest drill that can be read."""
    found = []
    for path in repository.drills.glob("[!.]*.json"):
        try:
            found.append(decode(Drill, json.loads(path.read_bytes())))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # as good as none: the next drill is due earlier
    return max(found, key=lambda one: one.at, default=None)
