"""Rows that point to nothing: counted by rules and foreign keys, moved to quarantine when asked to, and returned."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.orphans.decisions import OrphansParams
from mainstay.kinds.postgres.settings import Orphans, Rule
from mainstay.model.because import Finding, Level
from mainstay.model.plan import Skip, Step
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from tests.kinds.postgres.conftest import Database, Perform, Sessions, fresh_database, session_of, target_of
from tests.laws.scene import undo_of
from tests.live.postgres_server import PostgresServer

SHOP = """
CREATE SCHEMA "My Shop";
CREATE TABLE "My Shop"."Orders"("Id" int PRIMARY KEY);
CREATE TABLE "My Shop"."It""ems"(
  number int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "order" int, price int, twice int GENERATED ALWAYS AS (price * 2) STORED);
INSERT INTO "My Shop"."Orders" SELECT generate_series(1, 10);
INSERT INTO "My Shop"."It""ems"("order", price) SELECT nullif(g % 20, 0), g FROM generate_series(1, 100) g;
"""
ITEMS = Rule(table='"My Shop"."It""ems"', parent='"My Shop"."Orders"', columns={"order": "Id"})
LOST = 'SELECT count(*) FROM "My Shop"."It""ems" WHERE "order" > 10'
ALL = 'SELECT * FROM "My Shop"."It""ems" ORDER BY number'
TASK = registry.load("postgres").task("orphans")


def rules(**more: Rule) -> dict[str, Any]:
    return {"orphans": Orphans({"items": ITEMS, **more})}


def found(session: Session, **params: Any) -> list[Finding]:
    return TASK.assess(TASK.observe(session), OrphansParams(**params))


def planned(session: Session, **params: Any) -> list[Step | Skip]:
    return TASK.plan(TASK.observe(session), OrphansParams(**{"delete": True, **params}), "run-1.db.orphans")


@pytest.mark.covers("DBP-12")
def test_a_dry_run_counts_and_shows_keys_and_moves_nothing(database: Database, session: Sessions, perform: Perform) -> None:
    database.sql(SHOP)
    with session(**rules()) as opened:
        assert perform(opened, "orphans") == []
        told = found(opened)
    assert [(one.level, one.because.value) for one in told] == [(Level.WARNING, 45)]
    assert told[0].advice.startswith("such as (11), (12), (13), (14), (15);")
    assert database.sql(LOST) == [(45,)]


@pytest.mark.covers("DBP-12")
def test_rows_move_to_quarantine_and_their_undo_returns_every_column(database: Database, session: Sessions) -> None:
    database.sql(SHOP)
    whole = database.sql(ALL)
    with session(**rules()) as opened:
        [step] = [item for item in planned(opened, batch=7) if isinstance(item, Step)]
        before = TASK.observe(opened, step.on)
        TASK.apply(opened, step, Deadline(step.deadline))
        assert TASK.verify(before, TASK.observe(opened, step.on), step) is None
        assert database.sql(LOST) == [(0,)]
        assert database.sql('SELECT count(*) FROM mainstay_quarantine."run-1.db.orphans 1"') == [(45,)]
        undo = undo_of(step)
        assert undo
        TASK.apply(opened, undo, Deadline(step.deadline))
        assert TASK.verify(before, TASK.observe(opened, step.on), undo) is None
    assert database.sql(ALL) == whole
    assert database.sql("SELECT to_regnamespace('mainstay_quarantine')::text") == [(None,)]


def test_rows_that_a_condition_chooses_move_too(database: Database, session: Sessions, perform: Perform) -> None:
    database.sql(SHOP)
    chosen = Rule(table='"My Shop"."It""ems"', where="price > 90")
    with session(orphans=Orphans({"dear": chosen})) as opened:
        assert perform(opened, "orphans", delete=True) == [None]
    assert database.sql('SELECT max(price), count(*) FROM "My Shop"."It""ems"') == [(90, 90)]


def test_a_row_that_somebody_has_locked_is_waited_for(database: Database, session: Sessions, perform: Perform) -> None:
    database.sql(SHOP)
    with session(**rules()) as opened, database.connect() as other:
        other.execute("BEGIN")
        other.execute('SELECT FROM "My Shop"."It""ems" WHERE number = 11 FOR UPDATE')
        ends = threading.Timer(0.5, other.execute, ["ROLLBACK"])
        ends.start()
        assert perform(opened, "orphans", delete=True) == [None]
        ends.join()
    assert database.sql(LOST) == [(0,)]


@pytest.mark.covers("DBP-12")
def test_foreign_keys_that_nobody_validated_or_that_are_switched_off_are_counted(database: Database, session: Sessions) -> None:
    database.sql(
        "CREATE TABLE a(id int PRIMARY KEY); CREATE TABLE b(a int); CREATE TABLE c(a int REFERENCES a); CREATE TABLE d(a int)"
    )
    database.sql("INSERT INTO b VALUES (1); ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a NOT VALID")
    database.sql(
        "ALTER TABLE c DISABLE TRIGGER ALL; INSERT INTO c VALUES (1), (2), (NULL); ALTER TABLE d ADD FOREIGN KEY (a) REFERENCES a"
    )
    with session() as opened:
        assert [(one.on.split()[-1], one.because.value) for one in found(opened)] == [("b_a_fkey", 1), ("c_a_fkey", 2)]
        assert all(isinstance(item, Skip) for item in planned(opened))
        assert {one.level for one in found(opened, assert_none=True)} == {Level.CRITICAL}


@pytest.mark.covers("DBP-12")
def test_after_a_load_without_triggers_all_foreign_keys_can_be_probed(database: Database, session: Sessions) -> None:
    database.sql("CREATE TABLE a(id int PRIMARY KEY); CREATE TABLE b(a int REFERENCES a) PARTITION BY LIST (a)")
    database.sql("CREATE TABLE b1 PARTITION OF b FOR VALUES IN (1); CREATE TABLE b2 PARTITION OF b DEFAULT")
    database.sql("SET session_replication_role = replica; INSERT INTO b VALUES (1), (2), (3)")
    with session() as suspicious, session(orphans=Orphans(foreign_keys="all")) as thorough:
        assert found(suspicious) == []
        assert [(one.on.split(",")[0].split()[-1], one.because.value) for one in found(thorough)] == [
            ("public.b1", 1),
            ("public.b2", 2),
        ]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ('CREATE TABLE notes(item int REFERENCES "My Shop"."It""ems" ON DELETE CASCADE)', "rows of notes would change with them"),
        ('CREATE TRIGGER t AFTER DELETE ON "My Shop"."It""ems" EXECUTE FUNCTION f()', "it has triggers: t"),
        ('CREATE RULE r AS ON DELETE TO "My Shop"."It""ems" DO INSTEAD NOTHING', "it has rules: r"),
    ],
)
def test_rows_stay_where_more_than_they_would_change(database: Database, session: Sessions, more: str, why: str) -> None:
    database.sql(SHOP + "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';" + more)
    with session(**rules()) as opened:
        assert [str(item.because) for item in planned(opened)] == [f"rows stay where they are: {why}"]


def test_what_a_constraint_would_refuse_back_needs_consent(database: Database, session: Sessions, perform: Perform) -> None:
    database.sql(SHOP + """ALTER TABLE "My Shop"."It""ems" ADD FOREIGN KEY ("order") REFERENCES "My Shop"."Orders" NOT VALID""")
    with session(**rules()) as opened:
        [step] = [item for item in planned(opened) if isinstance(item, Step)]
        assert step.needs_consent
        assert perform(opened, "orphans", delete=True) == [None]


def test_what_was_in_quarantine_for_long_enough_is_dropped(database: Database, session: Sessions, perform: Perform) -> None:
    database.sql(SHOP)
    with session(**rules()) as opened:
        perform(opened, "orphans", delete=True)
        assert [item.on[0] for item in planned(opened) if isinstance(item, Skip)] == ["rows", "quarantine"]
        assert perform(opened, "orphans", delete=True, keep=Duration(0)) == [None]
    assert database.sql("SELECT to_regnamespace('mainstay_quarantine')::text") == [(None,)]


def test_what_an_unsettled_run_holds_stays_in_quarantine(database: Database, session: Sessions, perform: Perform) -> None:
    database.sql(SHOP)
    with session(**rules()) as opened:
        perform(opened, "orphans", delete=True)
        held = replace(opened, held=frozenset({"run-1.db.task 1"}))
        assert not [item for item in planned(held, keep=Duration(0)) if isinstance(item, Step)]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        (Rule("shop.gone", where="true"), "there is no such table"),
        (Rule("public.t", where="no_such_column"), 'column "no_such_column" does not exist'),
        (Rule("public.t", where="public.f() > 0"), "read-only transaction"),
        (Rule("public.t", where="x = 1 -- the first"), ""),
    ],
)
def test_a_rule_that_cannot_be_counted_is_named(database: Database, session: Sessions, rule: Rule, why: str) -> None:
    database.sql("CREATE TABLE t(x int); INSERT INTO t VALUES (1)")
    database.sql("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'INSERT INTO public.t VALUES (2) RETURNING 1'")
    with session(orphans=Orphans({"one": rule})) as opened:
        [one] = found(opened)
    assert (one.level is Level.UNKNOWN, why in str(one.because)) == (bool(why), True)


@pytest.mark.covers("DBP-12")
def test_large_objects_that_no_column_names_are_counted(database: Database, session: Sessions) -> None:
    database.sql("CREATE TABLE files(\"Content\" oid); INSERT INTO files SELECT lo_from_bytea(0, 'x') FROM generate_series(1, 3)")
    database.sql("SELECT lo_from_bytea(0, 'y') FROM generate_series(1, 2)")
    with session() as opened:
        assert [str(one.because) for one in found(opened)] == ["large objects that no column names 2 > 0"]


@pytest.mark.covers("DBP-12")
def test_rules_are_counted_and_rows_moved_on_every_version(any_postgres: PostgresServer, perform: Perform) -> None:
    with fresh_database(any_postgres) as database:
        database.sql(SHOP)
        with session_of(target_of(database, **rules())) as opened:
            assert perform(opened, "orphans", delete=True, batch=10) == [None]
        assert database.sql(LOST) == [(0,)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"table": "items", "where": "true"},
        {"table": "shop.items"},
        {"table": "shop.items", "parent": "shop.orders"},
        {"table": "shop.items", "where": "true); DROP TABLE shop.items"},
    ],
)
def test_a_rule_that_says_nothing_or_too_much_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"schema|needs|together|semicolon"):
        Rule(**wrong)
