"""Which tasks of a routine can be rehearsed, on which backups, and why the others cannot."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mainstay.kinds.backup.facts import RepositoryFacts, newest
from mainstay.kinds.kind import Session
from mainstay.model.codec import encode
from mainstay.model.errors import ConfigError
from mainstay.model.plan import Args
from mainstay.model.rehearsal import Piece
from mainstay.vault.catalogue import Entry
from mainstay.vault.names import ObjectName
from mainstay.vault.rehearsal import Part, Rehearsal
from mainstay.vault.store import can_rehearse


@dataclass(frozen=True)
class RehearsalFacts:
    """The repository, the tasks of every routine of the site, and the newest rehearsal of each routine, or one."""

    repository: RepositoryFacts
    routines: dict[str, tuple[Piece, ...]] = field(default_factory=dict)
    rehearsals: tuple[Rehearsal, ...] = ()

    def newest(self, of: str) -> Rehearsal | None:
        """Return the newest rehearsal of a routine or task."""
        return next((one for one in self.rehearsals if one.of == of), None)

    def entries(self, targets: tuple[str, ...]) -> list[Entry]:
        """Return the newest backup of each target."""
        return [entry for target in targets if (entry := newest(self.repository.of(target)))]


def known(session: Session) -> dict[str, tuple[Piece, ...]]:
    """Return the tasks of every routine; those whose target has no copies here say so."""
    if session.practice is None:
        return {}
    found = session.practice.pieces()
    return {name: tuple(replace(one, why_not=_why_not(session, one)) for one in pieces) for name, pieces in found.items()}


def chosen(facts: RehearsalFacts, of: str) -> tuple[Piece, ...]:
    """Return the tasks of a routine, or one task as the first routine that has it does it."""
    if of in facts.routines:
        pieces = facts.routines[of]
    else:
        found = [piece for pieces in facts.routines.values() for piece in pieces if piece.task == of]
        pieces = tuple(replace(piece, needs=()) for piece in found[:1])
    if not pieces:
        raise ConfigError(f"no routine or task of one is called {of!r}", next=f"there are {', '.join(sorted(facts.routines))}")
    return tuple(_with_backup(facts, piece) for piece in pieces)


def pinned(pieces: tuple[Piece, ...], entries: list[Entry], name: str) -> Args:
    """Return what a rehearsal is pinned to: its tasks, and the backups that the copies are made of."""
    parts = [Part(entry.target, entry.id, ObjectName(f"{name}.{entry.target}")) for entry in entries]
    return {"name": name, "parts": encode(parts), "pieces": encode(pieces)}


def _why_not(session: Session, piece: Piece) -> str:
    if piece.why_not:
        return piece.why_not
    if piece.target not in session.target.settings.of:
        return f"{piece.target} is not backed up in {session.target.name}"
    store = session.stores.get(piece.target)
    return "" if store and can_rehearse(store) else f"nothing can be tried on a copy of a target of kind {piece.kind}"


def _with_backup(facts: RehearsalFacts, piece: Piece) -> Piece:
    missing = not piece.why_not and newest(facts.repository.of(piece.target)) is None
    return replace(piece, why_not=f"there is no backup of {piece.target} yet") if missing else piece
