"""Remove backups, and the stored files that only they needed."""

from __future__ import annotations

from mainstay.model.errors import Refused
from mainstay.system import clock
from mainstay.vault import holds
from mainstay.vault import manifest as manifests
from mainstay.vault.catalogue import Survey
from mainstay.vault.manifest import Damaged
from mainstay.vault.names import BackupId
from mainstay.vault.repository import DROP, Repository


def drop(repository: Repository, id: BackupId) -> None:
    """Take a backup out of sight, remove what no other backup needs, then what was known about it; safe to repeat.

    Where a manifest cannot be read nobody can tell what is needed: the files stay, and are collected once it can. What a person
    holds is Refused.
    """
    hold = holds.read(repository, id)
    if hold and hold.holds(clock.now()) and repository.folder(id).is_dir():
        raise Refused("this backup is held", on=id, because=str(hold), next=f"mainstay backup release {id}")
    repository.require_there()
    with repository.attended():
        hidden = repository.hide(id)
        if hidden.is_dir():
            repository.discard(_own(repository, id))
        repository.forget(id)


def sweep(repository: Repository, part: str) -> None:
    """Remove what somebody began and did not finish; the removal of a backup is finished."""
    try:
        drop(repository, BackupId(part.removeprefix(DROP) if part.startswith(DROP) else ""))
    except ValueError:
        repository.sweep(part)


def _own(repository: Repository, id: BackupId) -> list[str]:
    survey = Survey.of(repository)
    try:
        manifest, _ = manifests.read(repository.hidden(id), id)
    except Damaged:
        return []
    paths = [one.path for one in manifest.objects]
    return [] if survey.damaged else [path for path in paths if path not in survey.needed]


def collect(repository: Repository) -> None:
    """Remove the stored files that no backup needs."""
    with repository.attended():
        repository.discard(Survey.of(repository).unneeded)
