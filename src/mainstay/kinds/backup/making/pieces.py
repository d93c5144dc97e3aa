"""Which tasks of a routine can be rehearsed, on which backups, and why the others cannot."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mainstay.kinds.backup.facts import RepositoryFacts, newest
from mainstay.kinds.kind import Session
from mainstay.model.because import Because, because
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
    """The repository, and the tasks of every routine of the site."""

    repository: RepositoryFacts
    routines: dict[str, tuple[Piece, ...]] = field(default_factory=dict)

    def newest(self, of: str) -> Rehearsal | None:
        """Return the newest rehearsal of a routine or task."""
        return next((one for one in self.repository.rehearsals if one.of == of), None)

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
    return pieces


def lacking(facts: RehearsalFacts, tried: tuple[Piece, ...]) -> Because | None:
    """Say what is missing for a rehearsal: a task that can be tried, or the backup of a target."""
    if not tried:
        return because("tasks that can be rehearsed", 0)
    missing = [one for one in dict.fromkeys(piece.target for piece in tried) if not facts.repository.of(one)]
    return because("targets without any backup", ", ".join(missing)) if missing else None


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
