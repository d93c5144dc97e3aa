"""Which backups there are, how well each is known, and what lies about beside them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from mainstay.model.units import Duration, Size
from mainstay.vault import approvals, holds
from mainstay.vault import manifest as manifests
from mainstay.vault import proof as proofs
from mainstay.vault.approvals import Approval
from mainstay.vault.holds import Hold
from mainstay.vault.manifest import Damaged, Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.proof import Proof
from mainstay.vault.repository import DROP, Repository

_STORED = re.compile(r"objects/([0-9a-f]{2})/\1[0-9a-f]{62}\.zst")


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
    own: Size = Size(0)  # of these, bytes that no other backup needs
    missing: tuple[str, ...] = ()  # stored files that are not there in their length
    proven: datetime | None = None
    read: datetime | None = None  # when every object was last read to its end
    proofs: tuple[str, ...] = ()  # names of the looks that found no difference
    differences: tuple[str, ...] = ()  # of the last look
    added: Size = Size(0)  # bytes of the files that it was the first to store
    sha256: str = ""  # of its manifest
    rebuilt: Duration | None = None  # how long its last proof by restoring took
    approvals: tuple[Approval, ...] = ()
    hold: Hold | None = None

    @property
    def level(self) -> str:
        """Say how well it is known, by the highest of four levels: present, complete, readable, restored."""
        known = "restored" if self.proven else "readable" if self.read else "complete"
        return "present" if self.missing or self.differences else known


@dataclass(frozen=True)
class Catalogue:
    """What the repository holds, oldest first. `damaged` tells id and reason; `clutter` are names that are nobody's."""

    entries: tuple[Entry, ...] = ()
    damaged: tuple[tuple[str, str], ...] = ()
    clutter: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()
    unneeded: int = 0  # stored files that no backup needs; 0 as long as one is damaged, and nobody can tell
    unneeded_bytes: Size = Size(0)
    stored: Size = Size(0)  # bytes of all stored files
    shares: dict[str, Size] = field(default_factory=dict)  # by target: bytes of the files that its backups need, each once

    def of(self, target: str) -> tuple[Entry, ...]:
        """Return the backups of one target, oldest first."""
        return tuple(entry for entry in self.entries if entry.target == target)


def newest(entries: Iterable[Entry]) -> Entry | None:
    """Return the entry that was created last."""
    return max(entries, key=lambda entry: (entry.created, entry.id), default=None)


@dataclass
class Survey:
    """Every manifest of a repository and every stored file, held against each other."""

    found: dict[BackupId, tuple[Manifest, str]] = field(default_factory=dict)  # with the SHA-256 of the manifest
    damaged: list[tuple[str, str]] = field(default_factory=list)
    clutter: list[str] = field(default_factory=list)
    stored: dict[str, Size] = field(default_factory=dict)  # by path

    @classmethod
    def of(cls, repository: Repository) -> Survey:
        """Read all manifests, and list all stored files."""
        survey = cls(stored=repository.stored())
        survey.clutter = [name for name in sorted(survey.stored) if not _STORED.fullmatch(name)]
        for name in sorted(path.name for path in repository.backups.iterdir()):
            try:
                id = BackupId(name)
                survey.found[id] = manifests.read(repository.folder(id), id)
            except Damaged as error:
                survey.damaged.append((name, f"{error.on}: {error.what}: {error.because}"))
            except ValueError:
                survey.clutter.append(name)
        survey.clutter += _without_backup(repository)
        return survey

    @cached_property
    def needed(self) -> Counter[str]:
        """How many backups need each stored file, by path."""
        return Counter(one.path for manifest, _ in self.found.values() for one in manifest.objects)

    @property
    def shares(self) -> dict[str, Size]:
        """Bytes of the files that the backups of each target need, each file once."""
        files: dict[str, dict[str, Size]] = {}
        for manifest, _ in self.found.values():
            files.setdefault(manifest.target, {}).update(
                {one.path: self.stored.get(one.path, Size(0)) for one in manifest.objects}
            )
        return {target: Size(sum(sizes.values())) for target, sizes in files.items()}

    @property
    def unneeded(self) -> tuple[str, ...]:
        """The stored files that no backup needs; none as long as a manifest cannot be read, since nobody can tell then."""
        if self.damaged:
            return ()
        return tuple(name for name in self.stored if _STORED.fullmatch(name) and name not in self.needed)


def read(repository: Repository) -> Catalogue:
    """Read every manifest and proof. What cannot be read is listed with its reason and never left out."""
    survey, entries = Survey.of(repository), []
    for id, (manifest, sha256) in survey.found.items():
        try:
            entry = replace(_entry(manifest, survey), sha256=sha256, hold=holds.read(repository, id))
            entry = replace(entry, approvals=approvals.read(repository, id, sha256))
            entries.append(_known(entry, proofs.read(repository, id), sha256))
        except Damaged as error:
            survey.damaged.append((id, f"{error.on}: {error.what}: {error.because}"))
    entries.sort(key=lambda entry: (entry.created, entry.id))
    spare = survey.unneeded
    size = Size(sum(survey.stored[name] for name in spare))
    damaged, clutter = tuple(survey.damaged), tuple(survey.clutter)
    total = Size(sum(survey.stored.values()))
    return Catalogue(tuple(entries), damaged, clutter, repository.leftovers(), len(spare), size, total, survey.shares)


def _entry(manifest: Manifest, survey: Survey) -> Entry:
    objects = manifest.objects.values()
    return Entry(
        manifest.id,
        manifest.target,
        manifest.kind,
        manifest.created,
        manifest.duration,
        manifest.raw_bytes,
        manifest.stored_bytes,
        Size(sum(one.stored_bytes for one in objects if survey.needed[one.sha256.path] == 1)),
        tuple(sorted(one.sha256.path for one in objects if survey.stored.get(one.sha256.path) != one.stored_bytes)),
        added=manifest.added_bytes,
    )


def _without_backup(repository: Repository) -> list[str]:
    """Name the records about backups that are not there. Those of one that is being removed go with it."""
    there = {path.name for path in repository.backups.iterdir()}
    going = {name.removeprefix(DROP) for name in repository.leftovers() if name.startswith(DROP)}
    return [name for name in repository.records() if name.split("/")[1].removesuffix(".json") not in there | going]


def _known(entry: Entry, found: tuple[Proof, ...], sha256: str) -> Entry:
    """Fold the records, oldest first: a look that found a difference takes back every proof before it."""
    for proof in found:
        if proof.manifest_sha256 != sha256:
            continue
        if proof.differences:
            entry = replace(entry, proven=None, rebuilt=None, read=None, proofs=(), differences=proof.differences)
            continue
        if proof.level == "restored":
            entry = replace(entry, proven=proof.at, rebuilt=proof.took)
        entry = replace(entry, read=proof.at, proofs=(*entry.proofs, proof.name), differences=())
    return entry
