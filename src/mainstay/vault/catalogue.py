"""Which backups there are, how well each is known, and what lies about beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from mainstay.model.units import Duration, Size
from mainstay.vault import manifest as manifests
from mainstay.vault import proof as proofs
from mainstay.vault.manifest import Damaged, Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.proof import Proof
from mainstay.vault.repository import Repository


@dataclass(frozen=True)
class Entry:
    """One complete backup. `proven` is when it was last rebuilt and found equal, None when never or when it failed since."""

    id: BackupId
    target: str
    kind: str
    created: datetime
    took: Duration
    raw: Size
    stored: Size
    proven: datetime | None = None
    read: datetime | None = None  # when every object was last read to its end
    proofs: tuple[str, ...] = ()  # names of the looks that found no difference
    differences: tuple[str, ...] = ()  # of the last look


@dataclass(frozen=True)
class Catalogue:
    """What the repository holds, oldest first. `damaged` tells id and reason; `clutter` are names that are nobody's."""

    entries: tuple[Entry, ...] = ()
    damaged: tuple[tuple[str, str], ...] = ()
    clutter: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()

    def of(self, target: str) -> tuple[Entry, ...]:
        """Return the backups of one target, oldest first."""
        return tuple(entry for entry in self.entries if entry.target == target)


def newest(entries: Iterable[Entry]) -> Entry | None:
    """Return the entry that was created last."""
    return max(entries, key=lambda entry: (entry.created, entry.id), default=None)


def read(repository: Repository) -> Catalogue:
    """Read every manifest and proof. What cannot be read is listed with its reason and never left out."""
    entries: list[Entry] = []
    damaged: list[tuple[str, str]] = []
    clutter: list[str] = []
    for name in sorted(path.name for path in repository.backups.iterdir()):
        try:
            id = BackupId(name)
        except ValueError:
            clutter.append(name)
            continue
        try:
            manifest, sha256 = manifests.read(repository.folder(id), id)
            entries.append(_entry(manifest))
            entries[-1] = _known(entries[-1], proofs.read(repository, id), sha256)
        except Damaged as error:
            damaged.append((name, f"{error.on}: {error.what}: {error.because}"))
    entries.sort(key=lambda entry: (entry.created, entry.id))
    return Catalogue(tuple(entries), tuple(damaged), tuple(clutter), repository.leftovers())


def _entry(manifest: Manifest) -> Entry:
    return Entry(
        manifest.id,
        manifest.target,
        manifest.kind,
        manifest.created,
        manifest.duration,
        manifest.raw_bytes,
        manifest.stored_bytes,
    )


def _known(entry: Entry, found: tuple[Proof, ...], sha256: str) -> Entry:
    """Fold the records, oldest first: a look that found a difference takes back every proof before it."""
    for proof in found:
        if proof.manifest_sha256 != sha256:
            continue
        if proof.differences:
            entry = replace(entry, proven=None, read=None, proofs=(), differences=proof.differences)
            continue
        proven = proof.at if proof.level == "restored" else entry.proven
        entry = replace(entry, proven=proven, read=proof.at, proofs=(*entry.proofs, proof.name), differences=())
    return entry
