"""Statistics of a partitioned table, or of an inheritance tree, as a whole: nobody makes them but who asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mainstay.model.because import Because, because
from mainstay.model.plan import On
from mainstay.model.units import Duration, Share, Size


@dataclass(frozen=True)
class Parent:
    """The top of a tree of tables. `known`: the planner has statistics of all its rows together."""

    sql: ClassVar[str] = "parents"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    owner: str
    owned: bool
    children: tuple[int, ...]  # oids of the tables that hold rows
    heap: Size
    rows: float
    known: bool
    analyzed: Duration | None  # None before version 14, which does not record it for partitioned tables
    modified: float  # rows that changed, or that are in children analyzed since

    @property
    def on(self) -> On:
        """Its structured id in plans."""
        return ("table", self.database, self.schema, self.name)


def due(parent: Parent, modified_share: Share) -> tuple[bool, Because]:
    """Tell whether a tree needs statistics as a whole, and why."""
    if not parent.owned:
        return False, because("owner", parent.owner)
    if not parent.rows and not parent.modified:
        return False, because("rows", 0)
    if not parent.known:
        return True, because("statistics of all its partitions together", "missing")
    if parent.analyzed is None:
        return False, because("statistics of all its partitions together: present, of unknown age before", "PostgreSQL 14")
    share = Share(min(1.0, parent.modified / max(parent.rows, 1)))
    late = share > modified_share
    return late, because("modified_share of its partitions", share, ">" if late else "<=", modified_share, "modified_share")


def newer(was: Parent, now: Parent) -> bool:
    """Tell whether a tree has been analyzed between two looks."""
    if now.analyzed is None:
        return now.known and not was.known
    return was.analyzed is None or now.analyzed < was.analyzed
