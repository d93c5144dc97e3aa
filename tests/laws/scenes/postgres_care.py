"""Tables and indexes that need care: dead rows, no statistics, an index nearly empty, one that is not valid."""

from __future__ import annotations

from pathlib import Path

from mainstay.kinds.kind import NoParams
from mainstay.kinds.postgres.indexes.rebuild import ReindexParams
from mainstay.kinds.postgres.planner.statistics import StatisticsParams
from mainstay.kinds.postgres.vacuum.need import VacuumParams
from mainstay.model.units import Duration, Size
from tests.laws.scene import Scene
from tests.laws.scenes.postgres_database import ORDERS, scene

DEAD = "DELETE FROM orders WHERE id % 2 = 0;"
EMPTY = """
CREATE INDEX by_both ON orders(who, id) WITH (fillfactor = 10);
ALTER INDEX by_both RESET (fillfactor);
ANALYZE orders;
"""
INVALID = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_who'::regclass;"


def vacuum(folder: Path) -> Scene:
    return scene("vacuum", VacuumParams(recent=Duration(0)), tables=ORDERS + DEAD)


def statistics(folder: Path) -> Scene:
    return scene("statistics", StatisticsParams())


def reindex(folder: Path) -> Scene:
    return scene("reindex", ReindexParams(ratio=1.5, min_waste=Size(0)), tables=ORDERS + EMPTY)


def reindex_leftover(folder: Path) -> Scene:
    copy = "CREATE INDEX by_who_ccnew ON orders(who);" + INVALID.replace("by_who", "by_who_ccnew")
    return scene("reindex", ReindexParams(min_waste=Size(10**9)), tables=ORDERS + copy)


def drop_invalid_indexes(folder: Path) -> Scene:
    return scene("drop_invalid_indexes", NoParams(), tables=ORDERS + INVALID)


SCENES = {
    "vacuum": vacuum,
    "statistics": statistics,
    "reindex": reindex,
    "reindex_leftover": reindex_leftover,
    "drop_invalid_indexes": drop_invalid_indexes,
}
