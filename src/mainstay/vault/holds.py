"""Backups that a person wants to keep, whatever the rules of retention say: one small record for each, beside the backups."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from mainstay.model.codec import canonical, decode
from mainstay.system.files import spool_of, sync_folder, write_atomic
from mainstay.vault.names import BackupId
from mainstay.vault.repository import Repository

_NOBODY = "nobody can tell"


@dataclass(frozen=True)
class Hold:
    """Who keeps a backup, since when, and why; without `until`, for as long as nobody releases it."""

    id: BackupId
    by: str
    at: datetime
    reason: str
    until: datetime | None = None

    def __str__(self) -> str:
        end = f" until {self.until:%Y-%m-%d}" if self.until else ""
        return f"held by {self.by} since {self.at:%Y-%m-%d}{end}: {self.reason}"

    def holds(self, now: datetime) -> bool:
        """Tell whether it is in force."""
        return self.until is None or now < self.until


def put(repository: Repository, hold: Hold) -> None:
    """Write a hold durably, in place of one that was there."""
    repository.made(repository.holds)
    write_atomic(repository.hold(hold.id), canonical(hold))


def release(repository: Repository, id: BackupId) -> None:
    """Remove a hold, whole or half written; nothing where there is none."""
    for path in (repository.hold(id), spool_of(repository.hold(id))):
        path.unlink(missing_ok=True)
    sync_folder(repository.holds)


def read(repository: Repository, id: BackupId) -> Hold | None:
    """Return the hold on a backup. One that cannot be read holds for ever: that it is there is known, and all that matters."""
    path = repository.hold(id)
    try:
        hold = decode(Hold, json.loads(path.read_bytes()))
        return hold if hold.at.tzinfo and hold.id == id else Hold(id, _NOBODY, id.at, f"{path.name} is damaged")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Hold(id, _NOBODY, id.at, f"{path.name} cannot be read")
