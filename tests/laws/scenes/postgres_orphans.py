"""Items of orders that are gone, in two batches, and rows that have been in quarantine for long enough."""

from __future__ import annotations

from pathlib import Path

from mainstay.kinds.postgres.orphans.decisions import OrphansParams
from mainstay.kinds.postgres.settings import Orphans, Rule
from mainstay.model.units import Duration
from tests.laws.scene import Scene
from tests.laws.scenes.postgres_database import scene

ITEMS = """
CREATE TABLE orders(id int PRIMARY KEY);
CREATE TABLE items(
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, of_order int, twice int GENERATED ALWAYS AS (of_order * 2) STORED);
INSERT INTO orders VALUES (1), (2);
INSERT INTO items(of_order) SELECT g % 5 FROM generate_series(1, 50) g;
"""
OLD = """
CREATE SCHEMA mainstay_quarantine;
CREATE TABLE mainstay_quarantine."run-0.db.orphans 1" AS SELECT 7 AS id;
COMMENT ON TABLE mainstay_quarantine."run-0.db.orphans 1" IS
  'mainstay {"rule": "items", "table": "public.items", "at": 1700000000}';
"""
SETTINGS = {"orphans": Orphans({"items": Rule("public.items", "public.orders", {"of_order": "id"})})}


def orphans(folder: Path) -> Scene:
    return scene("orphans", OrphansParams(delete=True, batch=20), tables=ITEMS, settings=SETTINGS)


def old_orphans(folder: Path) -> Scene:
    return scene("orphans", OrphansParams(delete=True, keep=Duration(86_400)), tables=OLD)


SCENES = {"orphans": orphans, "old orphans": old_orphans}
