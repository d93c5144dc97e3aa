"""Indexes that are too many or too few are found with the very statement that changes that; none is ever changed unasked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mainstay.kinds import registry
from mainstay.kinds.postgres.indexes.indexes import IndexParams
from mainstay.model.because import Finding, Level
from mainstay.model.units import Duration, Size
from tests.kinds.postgres.conftest import Database, Sessions, fresh_database, session_of, target_of
from tests.kinds.postgres.prepare import prepare
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

TASK = registry.load("postgres").task("indexes")
ALL = IndexParams(observed=Duration(0), min_size=Size(0))
ORDERS = """
CREATE SCHEMA "My ""shop";
CREATE TABLE "My ""shop"."Orders" (id int PRIMARY KEY, "Who" text, at timestamptz, status text, code int UNIQUE);
INSERT INTO "My ""shop"."Orders" SELECT g, 'w' || g, now(), 's' || g % 3, g FROM generate_series(1, 2000) g;
ANALYZE "My ""shop"."Orders";
"""
NAMED = '"My ""shop"."Orders"'


def found(database: Database, params: IndexParams = ALL) -> dict[str, Finding]:
    """Return the findings by the name of what they are on."""
    with session_of(target_of(database)) as opened:
        return {one.on.split(" ", 2)[-1]: one for one in TASK.assess(TASK.observe(opened), params)}


def used(database: Database, *conditions: str) -> None:
    """Let a session use an index for each condition."""
    prepare(database, "SET enable_seqscan = off; SET enable_bitmapscan = off;" + "".join(
        f"SELECT count(*) FROM {NAMED} WHERE {one};" for one in conditions))  # fmt: skip


@pytest.mark.covers("DBP-06")
def test_a_duplicate_index_is_found_and_gone_with_its_statement(database: Database) -> None:
    prepare(database, f'{ORDERS} CREATE INDEX "By who" ON {NAMED} ("Who"); CREATE INDEX "by who 2" ON {NAMED} ("Who")')
    one = found(database)['My "shop.by who 2']
    assert str(one.because).startswith("duplicate of By who")
    assert one.advice == 'DROP INDEX CONCURRENTLY "My ""shop"."by who 2"'
    database.sql(one.advice)
    used(database, "\"Who\" = 'w1'")
    assert found(database) == {}


@pytest.mark.covers("DBP-06")
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('("Who")', '("Who" DESC)'),
        ('("Who")', '("Who" text_pattern_ops)'),
        ('("Who")', '("Who" COLLATE "C")'),
        ('("Who")', "(\"Who\") WHERE status = 's1'"),
        ('(lower("Who"))', '(upper("Who"))'),
        ("(id, at)", "(at, id)"),
        ('("Who")', 'USING hash ("Who")'),
        ('("Who") INCLUDE (at)', '("Who", status)'),
    ],
)
def test_indexes_that_answer_other_questions_are_no_duplicates(database: Database, first: str, second: str) -> None:
    prepare(database, f"{ORDERS} CREATE INDEX a ON {NAMED} {first}; CREATE INDEX b ON {NAMED} {second}")
    reasons = [str(one.because) for one in found(database).values()]
    assert [one for one in reasons if "duplicate" in one or "first of" in one] == []


@pytest.mark.covers("DBP-06")
def test_an_index_whose_columns_another_begins_with_is_redundant(database: Database) -> None:
    prepare(database, f"{ORDERS} CREATE INDEX a ON {NAMED} (status); CREATE INDEX b ON {NAMED} (status, at)")
    assert list(found(database)) == ['My "shop.a']
    assert "its columns are the first of b" in str(found(database)['My "shop.a'].because)


@pytest.mark.covers("DBP-06")
def test_a_unique_index_is_not_given_up_for_a_wider_or_a_plain_one(database: Database) -> None:
    prepare(database, f"{ORDERS} CREATE UNIQUE INDEX a ON {NAMED} (at, id); CREATE INDEX b ON {NAMED} (at, id)")
    assert [(name, one.advice) for name, one in found(database).items()] == [
        ('My "shop.b', 'DROP INDEX CONCURRENTLY "My ""shop".b')
    ]


@pytest.mark.covers("DBP-06")
def test_an_unused_index_is_found_unless_it_keeps_a_rule_or_is_used(database: Database) -> None:
    prepare(database, f"""{ORDERS} CREATE INDEX unused ON {NAMED} (at); CREATE INDEX used ON {NAMED} (status);
        CREATE UNIQUE INDEX rule ON {NAMED} ("Who"); CREATE TABLE items (of_order int REFERENCES {NAMED});
        CREATE INDEX for_key ON items (of_order)""")  # fmt: skip
    used(database, "status = 's1'")
    assert list(found(database)) == ['My "shop.unused']
    assert found(database)['My "shop.unused'].level is Level.WARNING
    assert "too early" in found(database, IndexParams(min_size=Size(0)))[database.name].advice


@pytest.mark.covers("DBP-06")
def test_a_foreign_key_without_an_index_is_found_and_gone_with_its_statement(database: Database) -> None:
    prepare(database, f'{ORDERS} CREATE TABLE "Items" ("Order" int REFERENCES {NAMED} (code), x int)')
    one = found(database)["public.Items"]
    assert one.advice == 'CREATE INDEX CONCURRENTLY ON public."Items" ("Order")'
    database.sql(one.advice)
    assert "public.Items" not in found(database)


@pytest.mark.parametrize(
    ("index", "enough"),
    [
        ("(b, a)", True),
        ("(a, b, c)", True),
        ("(c, a, b)", False),
        ("(a)", False),
        ("(a, b) WHERE c > 1", False),
        ("USING brin (a, b)", False),
    ],
)
def test_an_index_serves_a_key_when_it_begins_with_its_columns(database: Database, index: str, enough: bool) -> None:
    prepare(database, f"""CREATE TABLE p (a int, b int, PRIMARY KEY (a, b));
        CREATE TABLE k (a int, b int, c int, FOREIGN KEY (a, b) REFERENCES p); CREATE INDEX ON k {index}""")  # fmt: skip
    assert ("public.k" not in found(database)) is enough


@pytest.mark.covers("DBP-06")
def test_an_invalid_index_is_found_and_whole_again_with_its_statement(database: Database) -> None:
    prepare(database, f"{ORDERS} INSERT INTO {NAMED} (id, status) VALUES (9999, 's1')")
    with suppress(psycopg.errors.UniqueViolation):
        database.sql(f"CREATE UNIQUE INDEX CONCURRENTLY broken ON {NAMED} (status)")
    one = found(database)['My "shop.broken']
    assert str(one.because).startswith("invalid")
    database.sql(f"DELETE FROM {NAMED} a USING {NAMED} b WHERE a.status = b.status AND a.ctid < b.ctid")
    database.sql(one.advice)
    assert 'My "shop.broken' not in found(database)


def test_partitions_and_their_indexes_are_seen_as_one(database: Database) -> None:
    prepare(database, f"""{ORDERS} CREATE TABLE parts (id int, of_order int REFERENCES {NAMED}) PARTITION BY RANGE (id);
        CREATE TABLE p1 PARTITION OF parts FOR VALUES FROM (0) TO (10); CREATE INDEX whole ON parts (id)""")  # fmt: skip
    one = found(database)
    assert list(one) == ["public.parts"]
    database.sql(one["public.parts"].advice.partition("--")[0])
    assert found(database) == {}


@pytest.fixture
def primary(tmp_path: Path) -> Iterator[PostgresServer]:
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    with postgres_server.server(tmp_path / "primary") as running:
        yield running


@pytest.mark.covers("DBP-06")
def test_with_a_standby_an_unused_index_is_no_warning(primary: PostgresServer, tmp_path: Path) -> None:
    database = Database(primary, "postgres")
    prepare(database, f"{ORDERS} CREATE INDEX unused ON {NAMED} (at)")
    with primary.standby(tmp_path / "standby"):
        one = found(database)['My "shop.unused']
    assert (one.level, one.advice[:34]) == (Level.OK, "look at its use on the standbys as")


def test_on_every_version_the_planted_faults_are_found(any_postgres: PostgresServer) -> None:
    with fresh_database(any_postgres) as database:
        prepare(database, f"""{ORDERS} CREATE INDEX a ON {NAMED} ("Who"); CREATE INDEX b ON {NAMED} ("Who");
            CREATE INDEX unused ON {NAMED} (at); CREATE TABLE items (of_order int REFERENCES {NAMED})""")  # fmt: skip
        assert list(found(database)) == ["public.items", 'My "shop.b', 'My "shop.unused']


def test_nothing_is_done_even_when_asked(database: Database, session: Sessions) -> None:
    prepare(database, f"{ORDERS} CREATE INDEX unused ON {NAMED} (at)")
    with session() as opened:
        planned: list[Any] = TASK.plan(TASK.observe(opened), ALL, "run-1.db.indexes")
    assert (planned, TASK.actions) == ([], {})
