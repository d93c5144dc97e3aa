"""The routines of the how-to, run by the real program on a real database: every item of the checklists stands in the report."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shop import Shop
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer
from tests.test_docs import configurations

pytestmark = [
    pytest.mark.skipif(bool(postgres_server.missing()), reason=f"needs {postgres_server.missing()}"),
    pytest.mark.slow,
]
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "care-for-postgres.md"
BLOATED = """
CREATE TABLE orders(id int PRIMARY KEY, who text, note text);
CREATE TABLE items(id int PRIMARY KEY, order_id int, what text);
CREATE INDEX by_order ON items(order_id);
INSERT INTO orders SELECT g, 'w' || g % 50, repeat('x', 200) FROM generate_series(1, 20000) g;
INSERT INTO items SELECT g, g % 20010, 'thing' FROM generate_series(1, 20010) g;
UPDATE orders SET note = repeat('y', 200);
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The how-to's own configuration, for a database with dead rows, old statistics and orphans."""
    server, name, folder = postgres_server.shared(), f"routines_{secrets.token_hex(4)}", tmp_path_factory.mktemp("site")
    server.create_database(name)
    server.sql(BLOATED, database=name)
    (folder / "mainstay.yaml").write_text(configured(server, name, folder))
    yield Shop(folder)
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")


def configured(server: PostgresServer, database: str, folder: Path) -> str:
    text = re.sub("dsn: .*", f"dsn: {server.dsn(database)}", configurations(PAGE)[0])
    return re.sub(" *password: .*\n", "", text) + f"state: {folder}/state\n"


def shown(shop: Shop, routine: str) -> str:
    """Run a routine and return its report on one line."""
    shop.run("run", routine)
    return " ".join(shop.run("show", "last").split())


@pytest.mark.covers("CHK-09", "CHK-12")
def test_the_daily_routine_reports_connections_vacuum_and_what_was_gained(shop: Shop) -> None:
    report = shown(shop, "daily")
    assert re.search(r"\d+ of \d+ connections", report)
    assert re.search(r"dead rows \S+public.orders 20,000 0 −20,000", report)
    assert "rows: 20,000, before 20,000" in report
    for item in ("db.vacuum", "dead_share 50 % > table_bloat_threshold 20 %", "db.sizes", "Before and after"):
        assert item in report, item


@pytest.mark.covers("CHK-10", "CHK-12")
def test_the_weekly_routine_reports_vacuum_of_all_performance_and_sizes(shop: Shop) -> None:
    report = shown(shop, "weekly")
    for item in ("db.vacuum", "db.compact", "db.reindex", "db.performance", "db.bloat", "db.indexes"):
        assert item in report, item


@pytest.mark.covers("CHK-11", "CHK-12")
def test_the_monthly_routine_reports_maintenance_orphans_and_settings(shop: Shop) -> None:
    report = shown(shop, "monthly")
    for item in ("db.amcheck", "db.orphans", "rows that point to nothing", "db.schema", "db.tune", "shared_buffers"):
        assert item in report, item


def test_the_quarterly_routine_reports_what_stands_in_the_way_of_an_upgrade(shop: Shop) -> None:
    assert "from 15 to 18" in shown(shop, "quarterly")
