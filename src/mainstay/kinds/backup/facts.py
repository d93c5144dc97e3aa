"""What one look at a repository shows."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from mainstay.kinds.backup.copies.remotes import KeyFacts, RemoteFacts, look_at, look_at_remotes
from mainstay.kinds.backup.judging.review import STORED, Review
from mainstay.kinds.backup.settings import BackupSettings
from mainstay.kinds.kind import Session
from mainstay.model.because import Because, because
from mainstay.model.errors import MainstayError, Refused, Unreachable
from mainstay.model.plan import On
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.files import room
from mainstay.vault import catalogue
from mainstay.vault.catalogue import Catalogue, Entry
from mainstay.vault.drill import Drill
from mainstay.vault.rehearsal import Rehearsal
from mainstay.vault.repository import Repository, create_repository, open_repository
from mainstay.vault.store import Hindrance, can_be_hindered


@dataclass(frozen=True)
class Source:
    """A target that is backed up: the bytes that its dump will need, or why it cannot be dumped now.

    `answered` is how long it took to say so, `hindrances` what stands in the way of the dump.
    """

    target: str
    bytes: Size = Size(0)
    trouble: str = ""
    answered: Duration = Duration(0)
    hindrances: tuple[Hindrance, ...] = ()


@dataclass(frozen=True)
class RepositoryFacts:
    """A repository and its catalogue. `identity` is "" where there is none yet; `expected` is the one of the previous look."""

    at: datetime
    settings: BackupSettings
    name: str  # of the target, as in the held name backup:NAME/ID
    identity: str = ""
    expected: str = ""
    trouble: str = ""  # why an existing repository cannot be read
    mode: int = 0o700
    free: Size = Size(0)
    catalogue: Catalogue = field(default_factory=Catalogue)
    held: frozenset[str] = frozenset()  # ids that nothing may remove now
    sources: tuple[Source, ...] = ()
    remotes: tuple[RemoteFacts, ...] = ()
    keys: KeyFacts = field(default_factory=KeyFacts)
    review: Review = field(default_factory=Review)  # of a check
    drill: Drill | None = None  # the last one
    rehearsals: tuple[Rehearsal, ...] = ()  # the newest one of each routine

    def of(self, target: str) -> tuple[Entry, ...]:
        """Return the backups of one target, oldest first."""
        return self.catalogue.of(target)

    def remote(self, name: str) -> RemoteFacts | None:
        """Return what was seen of one remote."""
        return next((one for one in self.remotes if one.name == name), None)

    def entry(self, id: str) -> Entry | None:
        """Return one backup."""
        return next((entry for entry in self.catalogue.entries if entry.id == id), None)


def look(session: Session, on: On | None, last: RepositoryFacts | None) -> RepositoryFacts:
    """Read the catalogue, or what it says about the target that `on` names second. `last` are the facts of the previous look."""
    settings, start = session.target.settings, f"backup:{session.target.name}/"
    facts = RepositoryFacts(
        clock.now(),
        settings,
        session.target.name,
        expected=_expected(session, last),
        held=frozenset(one.removeprefix(start) for one in session.held if one.startswith(start)),
    )
    root = settings.repository.path
    if not root.is_dir():
        return facts
    facts = replace(facts, free=room(root).free, mode=stat.S_IMODE(root.stat().st_mode))
    try:
        repository = open_repository(root)
    except Unreachable:
        return facts
    except Refused as error:
        return replace(facts, trouble=str(error))
    seen = catalogue.read(repository)
    return replace(facts, identity=repository.identity, catalogue=replace(seen, entries=seen.of(on[1])) if on else seen)


def look_with_remotes(session: Session, on: On | None, *, count: bool = False) -> RepositoryFacts:
    """Read the catalogue, and what is at every remote, or at the one that `on` names second; `count` as in `remotes.look_at`."""
    facts = look(session, None, session.last)
    entries = {str(entry.id): entry for entry in facts.catalogue.entries}
    if on:
        return replace(facts, remotes=(look_at(session, on[1], entries, count=count),))
    return replace(facts, remotes=look_at_remotes(session, entries, count=count))


def _expected(session: Session, last: RepositoryFacts | None) -> str:
    """Return the identity that was here at the last look, or `some` when there was none yet and a later check has seen one."""
    if last is None or last.settings.repository != session.target.settings.repository:
        return ""
    since = session.history(last.at, [STORED]).get(STORED)
    return last.identity or last.expected or ("some" if since and since.points else "")


def sources(session: Session) -> tuple[Source, ...]:
    """Ask every target how large its dump will be, and what stands in its way."""
    return tuple(_source(session, target) for target in session.target.settings.of)


def _source(session: Session, target: str) -> Source:
    began = clock.monotonic()
    try:
        store = session.stores[target]
        hindrances = store.hindrances() if can_be_hindered(store) else ()
        size = Size(store.estimate())
    except KeyError:
        return Source(target, trouble="its kind has no backups in this version, or its settings do not say how")
    except MainstayError as error:
        return Source(target, trouble=str(error))
    return Source(target, size, "", Duration(clock.monotonic() - began), hindrances)


def opened(session: Session) -> Repository:
    """Open the repository of a session for an act."""
    return open_repository(session.target.settings.repository.path)


def opened_or_made(session: Session, identity: str) -> Repository:
    """Open the very repository that was planned with, or make one where there was none ("")."""
    root = session.target.settings.repository.path
    repository = open_repository(root) if identity else create_repository(root)
    if identity and repository.identity != identity:
        raise Refused(
            "this is another repository", on=str(root), because="it was exchanged since the plan", next="run the task again"
        )
    return repository


def obstacle(facts: RepositoryFacts) -> Because | None:
    """Say why nothing can be read, written or removed here now."""
    if (reason := closed(facts)) is not None or facts.identity:
        return reason
    return because("there is no repository: is its disk mounted?", str(facts.settings.repository.path))


def closed(facts: RepositoryFacts) -> Because | None:
    """Say why not even a new repository may be made here now: this one cannot be read, or it is gone since the last look."""
    if facts.trouble:
        return because(facts.trouble, None)
    if facts.expected and not facts.identity:
        return because("the repository that was here before is gone: is its disk mounted?", str(facts.settings.repository.path))
    return None


def newest(entries: Iterable[Entry]) -> Entry | None:
    """Return the newest entry."""
    return catalogue.newest(entries)
