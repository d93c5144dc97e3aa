"""The copies of a repository at one remote: which there are, what is known of each, and which are damaged.

copies/REMOTE/ID/ in the repository holds what is known on this side: the signed list, and beside it
sent          while the copy is made: a line for every file, written before it is sent, so that a killed copy goes on
record.json   afterwards: whether the copy was read and found right, and whether the backup was proven
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from mainstay.model.codec import canonical, decode
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.files import write_atomic
from mainstay.system.process import Door
from mainstay.vault.catalogue import Entry
from mainstay.vault.copies import sealing, signed_list
from mainstay.vault.copies.keys import Keys
from mainstay.vault.copies.remotes.remote import Missing, Remote, content, listed, patiently
from mainstay.vault.copies.sealing import Gpg
from mainstay.vault.copies.signed_list import BACKUPS, SIGNATURE, SignedList
from mainstay.vault.manifest import MANIFEST, SUMS, Damaged
from mainstay.vault.names import BackupId
from mainstay.vault.repository import Repository
from mainstay.vault.store import Work

_RECORD, SENT = "record.json", "sent"


@dataclass(frozen=True)
class Record:
    """What was found out about one copy: when the backup was proven, when the copy was read, and what was wrong with it then."""

    proven: datetime | None = None
    read: datetime | None = None
    problems: tuple[str, ...] = ()
    bad: tuple[str, ...] = ()  # names at the remote that no further copy may use


@dataclass(frozen=True)
class Seen:
    """What is at a remote, oldest first. `unfinished` has no signature yet; `damaged` tells id and reason."""

    entries: tuple[Entry, ...] = ()
    unfinished: tuple[str, ...] = ()
    damaged: tuple[tuple[str, str], ...] = ()
    gone: tuple[str, ...] = ()  # that were complete at the last look, and that nobody has pruned


@dataclass(frozen=True)
class Copies:
    """One remote of a repository; `name` is what the configuration calls it. `escrow` is trusted as the key folder is."""

    repository: Repository
    name: str
    remote: Remote
    keys: Keys
    door: Door = field(default_factory=Door)
    escrow: Path | None = None

    def folder(self, id: str = "") -> Path:
        """Return where this side keeps what it knows of a copy."""
        return self.repository.root / "copies" / self.name / id

    @property
    def trusted(self) -> tuple[Path, ...]:
        """Return the files of the keys that a signature may be by."""
        return tuple(path for path in (self.keys.signing, self.escrow) if path and path.is_file())

    @contextmanager
    def at_work(self) -> Iterator[Path]:
        """Be the only one who copies to this remote or removes something there, and yield an empty private folder."""
        with self.repository.part(part_name(self.name)) as spool:
            yield spool

    def states(self, work: Work) -> dict[BackupId, bool]:
        """Return the backups at the remote: whether each is complete."""
        found: dict[BackupId, bool] = {}
        for stored in listed(self.remote, BACKUPS, work):
            id, _, name = stored.name.removeprefix(BACKUPS).partition("/")
            found[BackupId(id)] = found.get(BackupId(id), False) or name == SIGNATURE
        return found

    def lists(self, work: Work) -> dict[BackupId, SignedList]:
        """Return the signed list of every complete copy; Damaged when one cannot be trusted."""
        complete = [id for id, whole in self.states(work).items() if whole]
        with sealing.opened(self.door, *self.trusted) as gpg:
            return {id: self.known_list(id, gpg, work) for id in complete}

    def known_list(self, id: BackupId, gpg: Gpg, work: Work) -> SignedList:
        """Return a signed list, as it is known here or else as it is at the remote."""
        known = self.folder(id)
        if (known / SIGNATURE).is_file():
            return signed_list.parse((known / SUMS).read_bytes(), id)
        return self.checked_list(id, gpg, work)

    def checked_list(self, id: BackupId, gpg: Gpg, work: Work) -> SignedList:
        """Return a signed list as it is at the remote, after its signature; Damaged when that is not right."""
        paths = [gpg.home / name for name in (SUMS, SIGNATURE)]
        for path in paths:
            path.write_bytes(content(self.remote, f"{BACKUPS}{id}/{path.name}", work))
        gpg.verify(paths[0], paths[1], f"{BACKUPS}{id}/{SUMS}")
        return signed_list.parse(paths[0].read_bytes(), id)

    def record(self, id: BackupId) -> Record:
        """Return what was found out about a copy; nothing where there is no record that can be read."""
        try:
            return decode(Record, json.loads((self.folder(id) / _RECORD).read_bytes()))
        except (OSError, ValueError, TypeError, KeyError):
            return Record()

    def remember(self, id: BackupId, record: Record) -> None:
        """Write down what was found out about a copy."""
        self.make_folder(id)
        write_atomic(self.folder(id) / _RECORD, canonical(record))

    def make_folder(self, id: BackupId) -> None:
        """Make the folder of a copy, closed to others."""
        for folder in (self.folder().parent, self.folder(), self.folder(id)):
            folder.mkdir(mode=0o700, exist_ok=True)

    def finished(self, id: BackupId, proven: datetime | None) -> None:
        """Write down that a copy is complete; what was needed to go on with it goes."""
        self.remember(id, replace(self.record(id), proven=proven or self.record(id).proven))
        for path in (*self.folder(id).glob(f"{MANIFEST}*"), self.folder(id) / SENT):
            path.unlink(missing_ok=True)

    def sent(self, id: BackupId) -> dict[str, str]:
        """Return the SHA-256 of what an unfinished copy has sent or was about to send, by name."""
        path = self.folder(id) / SENT
        lines = path.read_text().splitlines() if path.is_file() else []
        return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}

    def drafted(self, id: BackupId) -> set[str]:
        """Return the names that an unfinished copy has sent, or is about to list."""
        path = self.folder(id) / SUMS
        listed = signed_list.parse(path.read_bytes(), id).files if path.is_file() else {}
        return {*self.sent(id), *listed}

    def known(self) -> set[BackupId]:
        """Return the copies that this side knows to have been complete."""
        return {BackupId(path.parent.name) for path in self.folder().glob(f"*/{SIGNATURE}")} - set(self.drafts())

    def drafts(self) -> tuple[BackupId, ...]:
        """Return the backups whose copies this side has begun and not finished."""
        return tuple(BackupId(path.parent.name) for path in sorted(self.folder().glob(f"*/{SENT}")))


def part_name(remote: str) -> str:
    """Name the private folder of whoever copies to a remote or removes something there; it goes when they are done."""
    return f"copies-{remote}"


def look(copies: Copies, work: Work) -> Seen:
    """List what is at a remote. A list that cannot be trusted is told with its reason."""
    states = copies.states(work)
    entries, damaged = [], []
    with sealing.opened(copies.door, *copies.trusted) as gpg:
        for id in (id for id, whole in states.items() if whole):
            try:
                entries.append(_entry(copies.known_list(id, gpg, work), copies.record(id)))
            except (Damaged, Missing) as error:
                damaged.append((str(id), str(error)))
    entries.sort(key=lambda entry: (entry.created, entry.id))
    gone = copies.known() - {id for id, whole in states.items() if whole}
    unfinished = [id for id, whole in states.items() if not whole]
    return Seen(tuple(entries), tuple(sorted(unfinished)), tuple(damaged), tuple(sorted(gone)))


def verify(copies: Copies, id: BackupId, proven: datetime | None, work: Work) -> Record:
    """Compare every file of a copy with the signed list, write down what was found, and return it.

    `proven` is when the backup itself was proven, which the record keeps when the backup is gone here.
    """
    bad: dict[str, str] = {}
    with sealing.opened(copies.door, *copies.trusted) as gpg:
        try:
            files = copies.checked_list(id, gpg, work).files
        except (Damaged, Missing) as error:
            bad, files = {error.on: error.because or error.what}, {}
    for name, digest in files.items():
        if why := _difference(copies.remote, name, digest, work):
            bad[name] = why
    problems = tuple(f"{name}: {why}" for name, why in bad.items())
    record = Record(proven or copies.record(id).proven, clock.now(), problems, tuple(bad))
    copies.remember(id, record)
    return record


def _difference(remote: Remote, name: str, digest: str, work: Work) -> str:
    try:
        found = patiently(lambda: remote.sha256(name, work), work)
    except Missing:
        return "it is not there"
    return "" if found == digest else "its SHA-256 is not the one in the signed list"


def _entry(known: SignedList, record: Record) -> Entry:
    return Entry(
        known.id,
        known.target,
        known.kind,
        known.created,
        Duration(0),
        known.raw,
        known.stored,
        proven=None if record.problems else record.proven,
        read=record.read,
        differences=record.problems,
    )
