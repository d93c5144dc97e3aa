"""What the planner knows of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mainstay.model.plan import On
from mainstay.model.units import Duration, Size


@dataclass(frozen=True)
class Knowledge:
    """What the planner knows of a table; `analyzed` is None when it never was since the counters were reset."""

    sql: ClassVar[str] = "unanalyzed"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    owner: str
    owned: bool
    heap: Size
    known: bool
    extended_missing: tuple[str, ...]
    analyzed: Duration | None
    busy: str

    @property
    def on(self) -> On:
        """Its structured id in plans."""
        return ("table", self.database, self.schema, self.name)

    @property
    def empty(self) -> bool:
        """True when there are no statistics, and not because ANALYZE found no row."""
        return not self.known and self.analyzed is None
