"""What a review of a schema finds, table by table: rules that are not kept, numbers that end, types and tables to think about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypeVar

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.indexes.use import Observed
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.units import Share, Size
from mainstay.system import clock

MOST = 60  # flaws of each sort that are kept, the gravest or largest first


@dataclass(frozen=True)
class Flaw:
    """One thing to think about. `part` names columns, a constraint or a trigger; `statement` is what would change it."""

    extension: ClassVar[str] = ""

    database: str
    rule: str
    schema: str
    table: str
    part: str
    detail: str
    value: Share | None
    size: Size
    statement: str

    @property
    def shown(self) -> str:
        """Its place for people."""
        return f"table {self.database} {self.schema}.{self.table}"


F = TypeVar("F", bound=Flaw)


@dataclass(frozen=True)
class KeyFlaw(Flaw):
    """A table without a key, or a rule that is not kept."""

    sql: ClassVar[str] = "flaws_keys"


@dataclass(frozen=True)
class EndFlaw(Flaw):
    """A share of a sequence's or a key's numbers that is used up."""

    sql: ClassVar[str] = "flaws_ends"


@dataclass(frozen=True)
class TypeFlaw(Flaw):
    """Columns of a type that is better replaced."""

    sql: ClassVar[str] = "flaws_types"


@dataclass(frozen=True)
class UseFlaw(Flaw):
    """What nobody seems to use, or what is large."""

    sql: ClassVar[str] = "flaws_use"


@dataclass(frozen=True)
class SchemaFacts:
    """What was found, and for how long the use of each database's tables has been counted."""

    at: datetime
    settings: PostgresSettings
    observed: tuple[Observed, ...]
    keys: tuple[KeyFlaw, ...]
    ends: tuple[EndFlaw, ...]
    types: tuple[TypeFlaw, ...]
    use: tuple[UseFlaw, ...]


def look_flaws(session: Session) -> SchemaFacts:
    """Look at the schema of every database that is cared for."""
    server = session.connection
    return SchemaFacts(
        clock.now(),
        session.target.settings,
        server.everywhere(Observed),
        _gravest(server.everywhere(KeyFlaw)),
        _gravest(server.everywhere(EndFlaw)),
        _gravest(server.everywhere(TypeFlaw)),
        _gravest(server.everywhere(UseFlaw)),
    )


def _gravest(found: tuple[F, ...]) -> tuple[F, ...]:
    """Return the first of all databases together."""
    return tuple(sorted(found, key=lambda one: (-(one.value or 0), -one.size)))[:MOST]
