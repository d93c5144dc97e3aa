"""From the command line: restore beside, put the copy in place, look, and take it back; and what the record of that says."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

pytestmark = pytest.mark.skipif(bool(postgres_server.missing()), reason=postgres_server.missing())
SITE = """
site: shop
timezone: Europe/Berlin
state: {folder}/state
targets:
  db: {{kind: postgres, dsn: "{dsn}"}}
  job: {{kind: command, argv: [/bin/true]}}
  safe: {{kind: backup, repository: {{path: "{folder}/repo"}}, of: [db]}}
"""
ORDERS = "CREATE TABLE orders(id int PRIMARY KEY); INSERT INTO orders SELECT generate_series(1, 100)"
DAMAGE = "DELETE FROM orders WHERE id <= 60; CREATE TABLE late AS SELECT generate_series(1, 7) AS id"


@dataclass(frozen=True)
class Shop:
    """A site with one database, which has a proven backup."""

    folder: Path
    server: PostgresServer
    name: str

    def mainstay(self, *words: str, code: int = 0) -> str:
        """Run the program and return what it prints."""
        environment = {**os.environ, "COLUMNS": "200"}
        argv = [str(Path(sys.executable).with_name("mainstay")), *words]
        done = subprocess.run(argv, cwd=self.folder, capture_output=True, text=True, timeout=120, env=environment, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def json(self, *words: str) -> Any:
        """Run the program and return what it prints as JSON."""
        return json.loads(self.mainstay(*words))

    def orders(self) -> int:
        """Count the orders that users see."""
        return int(self.server.sql("SELECT count(*) FROM orders", database=self.name)[0][0])

    def beside(self) -> dict[str, bool]:
        """Return the databases beside the live one, and whether each lets anybody in."""
        query = "SELECT datname::text, datallowconn FROM pg_database WHERE starts_with(datname, %s || '_')"
        return dict(self.server.sql(query, self.name))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Back up a database, prove that, and then damage the database."""
    server, name = postgres_server.shared(), f"cli_{secrets.token_hex(4)}"
    server.create_database(name)
    server.sql(ORDERS, database=name)
    (tmp_path / "mainstay.yaml").write_text(SITE.format(folder=tmp_path, dsn=server.dsn(name)))
    made = Shop(tmp_path, server, name)
    made.mainstay("backup", "now")
    made.mainstay("backup", "prove")
    server.sql(DAMAGE, database=name)
    yield made
    for one in (name, *made.beside()):
        server.sql(f'DROP DATABASE "{one}" WITH (FORCE)')


@pytest.mark.slow
@pytest.mark.covers("RST-05", "RST-06", "RST-07")
def test_a_restore_ends_in_place_after_consent_and_what_was_live_stays_until_it_is_put_back(shop: Shop) -> None:
    shown = shop.mainstay("restore", "db", "--swap", "--dry-run")
    assert "rows missing afterwards" in shown
    assert "public.late +7" in shown
    assert "takes about" in shown
    assert "nobody consented" in shop.mainstay("restore", "db", "--swap", code=3)
    assert (shop.orders(), shop.beside()) == (40, {})
    shop.mainstay("restore", "db", "--swap", "--yes")
    assert shop.orders() == 100
    [(old, allowed)] = shop.beside().items()
    assert old.startswith(f"{shop.name}_before_")
    assert not allowed
    shop.mainstay("restore", "db", "--reverse", "--yes")
    assert shop.orders() == 40
    assert [name.split("_")[2] for name in shop.beside()] == ["after"]


@pytest.mark.slow
@pytest.mark.covers("RST-08", "CHK-06")
def test_the_record_of_a_restore_names_backup_times_outcome_missing_rows_and_who_agreed(shop: Shop) -> None:
    shop.mainstay("restore", "db", "--swap", "--yes")
    report = shop.json("report", "last", "--format", "json")
    restored, swapped = report["done"]
    [point] = shop.json("restore", "db", "--list", "--json")["points"]
    assert point["id"] in restored["on"]
    assert point["id"] in swapped["why"]
    assert "7 (by count: " in swapped["why"]
    assert f"{shop.name}_before_" in swapped["output"]
    assert all(one["began"] and one["ended"] and one["took"] for one in (report, restored, swapped))
    assert (report["verdict"], report["envelope"]["rows"]) == ("pass", 8)
    assert report["remarks"][0]["act"] == "consented"
    assert report["remarks"][0]["by"], "who agreed"
    assert {line["id"] for line in report["tasks"]} == {"safe.restore", "safe.swap", "db.check"}


@pytest.mark.slow
@pytest.mark.covers("RST-02", "KPI-08")
def test_restore_points_say_how_well_they_are_known_and_how_long_they_take(shop: Shop) -> None:
    shop.mainstay("backup", "now")
    newer, older = shop.json("restore", "db", "--list", "--json")["points"]
    assert (newer["level"], older["level"]) == ("complete", "restored")
    assert older["estimate"] == older["rebuilt"] > 0
    assert newer["estimate"] == pytest.approx(older["rebuilt"] / older["raw"] * newer["raw"])
    assert older["id"] in shop.mainstay("restore", "db", "--dry-run", "--before", newer["created"])
    assert "no backup that was made before" in shop.mainstay("restore", "db", "--before", "2020-01-01", code=3)
    assert "rto db" in shop.mainstay("check", "safe") + shop.mainstay("trends", "safe")


@pytest.mark.slow
def test_a_copy_that_lies_beside_is_not_made_again_and_old_ones_go_only_when_their_days_are_over(shop: Shop) -> None:
    shop.mainstay("restore", "db")
    assert "is not made again" in shop.mainstay("restore", "db", "--swap", "--yes")
    [old] = shop.beside()
    assert shop.orders() == 100
    assert "time since it was replaced" in shop.mainstay("plan", "safe.drop_old")
    shop.mainstay("run", "safe.drop_old", "--yes")
    assert old in shop.beside()


@pytest.mark.slow
@pytest.mark.covers("RBK-05")
def test_a_copy_that_fails_the_check_of_its_target_is_taken_back(shop: Shop) -> None:
    shop.server.sql("CREATE SEQUENCE numbers AS smallint START 32760; SELECT nextval('numbers')", database=shop.name)
    shop.mainstay("backup", "now")
    shop.mainstay("backup", "prove")
    shop.server.sql("ALTER SEQUENCE numbers RESTART 1; INSERT INTO orders VALUES (1)", database=shop.name)
    told = shop.mainstay("restore", "db", "--swap", "--yes", code=1)
    assert "a check fails after the change: db.check" in told
    assert shop.orders() == 41
    report = shop.json("report", "last", "--format", "json")
    assert {act["action"] for act in report["undone"]} == {"give_back", "clear"}
    assert len(report["comparisons"]) > 0, "the checks were compared with those before"


@pytest.mark.slow
def test_a_database_that_is_lost_is_restored_into_its_own_name(shop: Shop) -> None:
    shop.server.sql(f'DROP DATABASE "{shop.name}" WITH (FORCE)')
    assert "there is nothing to exchange a copy with" in shop.mainstay("restore", "db", "--swap", "--yes", code=3)
    shop.mainstay("backup", "now", code=1)
    shop.mainstay("restore", "db")
    [beside] = shop.beside()
    shop.mainstay("restore", "db", "--into", shop.name)
    assert shop.orders() == 100
    assert "1 step done" in shop.mainstay("backup", "now")
    assert f"The copy {beside} was restored" in shop.mainstay("restore", "db", "--swap", "--dry-run"), "and never the live one"
