"""What has to be so before a backup of a real PostgreSQL: it answers, nothing is in the way, there is room, remotes are there."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.cli.shop import Shop
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

pytestmark = pytest.mark.skipif(bool(postgres_server.missing()), reason=f"needs {postgres_server.missing()}")
SITE = """\
site: shop
timezone: Europe/Berlin
state: {folder}/state
targets:
  db: {{kind: postgres, dsn: "{dsn}", limits: {{transaction: 1s}}}}
  safe:
    kind: backup
    repository: {{path: {folder}/backups}}
    of: [db]
    copies: {{away: {{disk: {{folder: {folder}/away}}}}}}
    keys: {folder}/keys
routines:
  nightly: {{tasks: [safe.backup: {{budget: 10m}}]}}
"""


@pytest.fixture
def server() -> PostgresServer:
    return postgres_server.shared()


@pytest.fixture
def database(server: PostgresServer) -> Iterator[str]:
    name = f"before_{secrets.token_hex(4)}"
    server.create_database(name)
    server.sql("CREATE TABLE orders AS SELECT g AS id, repeat('x', 100) AS what FROM generate_series(1, 5000) g", database=name)
    yield name
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def shop(tmp_path: Path, server: PostgresServer, database: str) -> Shop:
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / ".mainstay-remote").touch()
    (tmp_path / "mainstay.yaml").write_text(SITE.format(folder=tmp_path, dsn=server.dsn(database)))
    return Shop(tmp_path)


def asked(shop: Shop, *, code: int = 0) -> dict[str, list[dict[str, Any]]]:
    """Return what `ready` says of the conditions of the backup, by what it is about."""
    found: dict[str, list[dict[str, Any]]] = {}
    for one in shop.json("ready", "nightly", code=code)["findings"]:
        if one["on"].startswith("safe.backup: "):
            found.setdefault(one["on"].removeprefix("safe.backup: "), []).append(one)
    return found


def backed_up(shop: Shop) -> None:
    """Make a first backup; copies need keys."""
    shop.run("backup", "keys", "generate", "--escrow", str(shop.folder / "escrow.txt"))
    shop.run("run", "safe.backup", "--yes")


def said(one: dict[str, Any]) -> str:
    because = one["because"]
    return f"{because['fact']} {because['value']} {because['op']} {because['limit']}"


@pytest.mark.covers("PRE-09")
def test_where_all_is_well_it_tells_what_was_asked(shop: Shop) -> None:
    backed_up(shop)
    found = asked(shop)
    assert [one for group in found.values() for one in group if one["level"] != "ok"] == []
    assert set(found) == {"db", "room for db", "remote away"}
    assert said(found["db"][0]).startswith("answered after")
    room = found["room for db"][0]["because"]
    assert 0 < room["value"] <= room["limit"]


@pytest.mark.covers("PRE-09")
def test_a_long_transaction_and_an_exclusive_lock_are_listed_with_process_and_age(
    shop: Shop, server: PostgresServer, database: str
) -> None:
    with (
        closing(psycopg.connect(server.dsn(database), application_name="report")) as long,
        closing(psycopg.connect(server.dsn(database), application_name="migration")) as locking,
    ):
        long.execute("SELECT 1")
        locking.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        long.execute("SELECT pg_sleep(1.1)")
        found = asked(shop)["db"]
        pids = (long.info.backend_pid, locking.info.backend_pid)
    told = {one["advice"].partition(",")[0]: one for one in found if one["level"] == "warning"}
    first, second = (told[f"process {pid}"] for pid in pids)
    assert first["because"]["fact"] == "open transaction"
    assert first["because"]["value"] > first["because"]["limit"] == 1
    assert "(report): what it changes is not in this backup" in first["advice"]
    assert second["because"]["fact"] == "exclusive lock on public.orders"
    assert second["because"]["value"] > 1
    assert "(migration): the dump waits until it is gone" in second["advice"]


@pytest.mark.covers("PRE-09")
def test_a_database_that_is_away_is_a_no_and_a_remote_that_is_away_a_warning(shop: Shop, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "away")
    file = tmp_path / "mainstay.yaml"
    assert asked(shop)["remote away"][0]["level"] == "warning"
    text = file.read_text()
    begin = text.index('dsn: "') + 6
    file.write_text(text[:begin] + "host=127.0.0.1 port=9 dbname=shop" + text[text.index('"', begin) :])
    (found,) = asked(shop, code=3)["db"]
    assert found["level"] == "critical"
    assert "cannot be backed up" in found["because"]["fact"]


@pytest.mark.covers("PRE-09")
def test_room_is_judged_by_what_the_last_backups_added_and_the_size_of_the_database(shop: Shop, tmp_path: Path) -> None:
    backed_up(shop)
    file = tmp_path / "mainstay.yaml"
    file.write_text(file.read_text().replace("    of: [db]", "    of: [db]\n    budget: 1kB"))
    (found,) = asked(shop, code=3)["db"]
    assert found["level"] == "critical"
    assert found["because"]["fact"] == "bytes of the repository with it"
