"""What one look at the remotes of a repository shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mainstay.kinds.kind import Session
from mainstay.model.errors import MainstayError
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.vault.catalogue import Entry
from mainstay.vault.copies import copies as known
from mainstay.vault.copies import keys as pairs
from mainstay.vault.copies import remotes, sealing, thinning
from mainstay.vault.copies.copies import Copies, Seen
from mainstay.vault.copies.keys import Drill, Keys
from mainstay.vault.repository import Repository

_LOOK = Duration(300)  # a remote with many copies on a slow line


@dataclass(frozen=True)
class RemoteFacts:
    """A remote: what is there, or why it cannot be looked at."""

    name: str
    trouble: str = ""
    seen: Seen = field(default_factory=Seen)
    unneeded: tuple[str, ...] = ()  # files that no copy needs; looked for by prune_copies alone
    uncertain: str = ""  # why nobody can tell which files are needed

    def of(self, target: str) -> tuple[Entry, ...]:
        """Return the copies of one target, oldest first."""
        return tuple(entry for entry in self.seen.entries if entry.target == target)

    def entry(self, id: str) -> Entry | None:
        """Return the copy of one backup."""
        return next((entry for entry in self.seen.entries if entry.id == id), None)


@dataclass(frozen=True)
class KeyFacts:
    """The key folder: whether all keys are there, whether others can read it, whom copies are encrypted for; the last drill."""

    complete: bool = False
    exposed: bool = False
    fingerprint: str = ""
    drill: Drill | None = None


def keys_of(session: Session) -> Keys:
    """Return the key folder of a session's target; without the setting, one that does not exist."""
    return Keys(session.target.settings.keys or Path("/nonexistent"))


def look_at_keys(session: Session) -> KeyFacts:
    """Look at the key folder."""
    keys = keys_of(session)
    if not keys.complete:
        return KeyFacts()
    return KeyFacts(True, keys.exposed, sealing.fingerprints(keys.encryption, session.door)[0], pairs.read_drill(keys))


def look_at_remotes(session: Session, entries: Mapping[str, Entry], *, count: bool = False) -> tuple[RemoteFacts, ...]:
    """Look at every remote; one that cannot be reached is told with the reason. `entries` are the backups here, by id."""
    found = []
    for name in session.target.settings.copies:
        try:
            found.append(look_at(session, name, entries, count=count))
        except MainstayError as error:
            found.append(RemoteFacts(name, str(error)))
    return tuple(found)


def look_at(session: Session, name: str, entries: Mapping[str, Entry], *, count: bool = False) -> RemoteFacts:
    """Look at one remote. A copy counts as proven when the backup was, here, and nothing is wrong with the copy."""
    work = session.work(Deadline(_LOOK))
    with reached(session, name) as copies:
        seen = known.look(copies, work)
        merged = tuple(_proven(entry, entries.get(entry.id)) for entry in seen.entries)
        facts = RemoteFacts(name, seen=replace(seen, entries=merged))
        if not count:
            return facts
        try:
            return replace(facts, unneeded=thinning.unneeded(copies, work))
        except MainstayError as error:
            return replace(facts, uncertain=str(error))


@contextmanager
def reached(session: Session, name: str, escrow: Path | None = None) -> Iterator[Copies]:
    """Open a remote of the session's repository, whether that exists or not."""
    settings = session.target.settings
    repository = Repository(settings.repository.path, "")
    with remotes.opened(settings.copies[name].remote) as remote:
        yield Copies(repository, name, remote, keys_of(session), session.door, escrow)


def _proven(entry: Entry, here: Entry | None) -> Entry:
    if entry.differences or not here:
        return entry
    return replace(entry, proven=here.proven or entry.proven)
