"""How much of a table has changed since its statistics were made."""

from __future__ import annotations

from mainstay.kinds.postgres.rows import Table
from mainstay.model.because import Because, because
from mainstay.model.units import Share


def unfit(table: Table) -> Because | None:
    """Say why a table cannot be analyzed now."""
    if not table.owned:
        return because("owner", table.owner)
    return because("under way", table.busy) if table.busy else None


def fresh(table: Table, modified_share: Share, min_rows: int) -> Because | None:
    """Say why its statistics are good enough."""
    if table.live + table.dead < min_rows:
        return because("rows", table.live + table.dead, "<", min_rows, "min_rows")
    share = changed(table)
    if table.analyzed is not None and share <= modified_share:
        return because("modified_share", share, "<=", modified_share, "modified_share")
    return None


def changed(table: Table) -> Share:
    """Return the rows changed since the last analyze as a share of all."""
    return Share(min(1.0, table.modified / max(table.live, 1)))
