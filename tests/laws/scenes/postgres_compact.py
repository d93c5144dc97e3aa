"""A table three quarters of which are room that dead rows have left, with wide values, for each way of giving it back."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mainstay.kinds.postgres.compaction.strategy import CompactParams
from mainstay.model.units import Duration, Size
from tests.laws.scene import Scene
from tests.laws.scenes.postgres_database import scene

BLOATED = """
CREATE EXTENSION IF NOT EXISTS pg_repack;
CREATE TABLE "Bloated"(id int PRIMARY KEY, who text, wide text, list text[]) WITH (autovacuum_enabled = off);
ALTER TABLE "Bloated" ALTER wide SET STORAGE EXTERNAL;
CREATE INDEX by_who ON "Bloated"(who);
INSERT INTO "Bloated" SELECT g, repeat('w' || g % 50, 40), CASE WHEN g % 3 = 0 THEN repeat('x', 5000) END, ARRAY['a']
FROM generate_series(1, 3000) g;
DELETE FROM "Bloated" WHERE id % 4 > 0;
ANALYZE "Bloated";
"""


def repack(folder: Path) -> Scene:
    return scene("compact", _params("repack"), tables=BLOATED)


def mover(folder: Path) -> Scene:
    return scene("compact", _params("mover"), tables=BLOATED)


def rewrite(folder: Path) -> Scene:
    return scene("compact", _params("rewrite"), tables=BLOATED)


def _params(strategy: Literal["repack", "mover", "rewrite"]) -> CompactParams:
    return CompactParams(ratio=1.5, min_waste=Size(0), strategy=strategy, patience=Duration(10))


SCENES = {"compact by pg_repack": repack, "compact by the tuple mover": mover, "compact by VACUUM FULL": rewrite}
