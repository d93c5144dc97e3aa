"""Which places were made from the backups of a repository: restored copies, and what a copy has replaced.

places/DIGEST.json   one record for each place, written before the place exists; the digest is that of target and place
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mainstay.model.codec import canonical, decode
from mainstay.model.units import Duration
from mainstay.system.files import sync_folder, write_atomic
from mainstay.vault.manifest import Damaged
from mainstay.vault.names import BackupId
from mainstay.vault.repository import Repository

Role = Literal["restored", "replaced"]  # a copy of a whole backup | what users reached before


@dataclass(frozen=True)
class Place:
    """One place of a target. `backup` is what a copy was restored from, and what took the place of what was replaced."""

    version: int
    target: str
    place: str
    role: Role
    backup: BackupId
    at: datetime
    name: str = ""  # of what was replaced: unique to the run
    keep: Duration = Duration(0)  # how long it stays at least
    complete: bool = True  # False while the names are being exchanged


def write(repository: Repository, place: Place) -> None:
    """Store a record durably; a place has one."""
    folder = repository.root / "places"
    if not folder.is_dir():
        folder.mkdir(mode=0o700)
        sync_folder(repository.root)
    write_atomic(folder / _file(place.target, place.place), canonical(place))


def read(repository: Repository) -> tuple[Place, ...]:
    """Return all records, oldest first, also of places that are gone; Damaged when one cannot be read."""
    found = []
    for path in sorted((repository.root / "places").glob("[!.]*.json")):
        try:
            found.append(decode(Place, json.loads(path.read_bytes())))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Damaged("a record of a place cannot be read", on=str(path), because=str(error)[:200]) from error
    return tuple(sorted(found, key=lambda one: (one.at, one.place)))


def forget(repository: Repository, target: str, place: str) -> None:
    """Remove the record of a place."""
    path = repository.root / "places" / _file(target, place)
    path.unlink(missing_ok=True)


def _file(target: str, place: str) -> str:
    digest = hashlib.sha256("\0".join((target, place)).encode()).hexdigest()
    return f"{digest[:24]}.json"
