"""What a schema review finds: each fault that is planted, by name, and gone with the statement that it shows."""

from __future__ import annotations

import re

import pytest

from mainstay.kinds import registry
from mainstay.kinds.postgres.schema.schema import SchemaParams
from mainstay.model.because import Finding, Level
from mainstay.model.units import Duration, Size
from tests.kinds.postgres.conftest import Database, fresh_database, session_of, target_of
from tests.kinds.postgres.prepare import prepare
from tests.live.postgres_server import PostgresServer

TASK = registry.load("postgres").task("schema")
ALL = SchemaParams(observed=Duration(0), partition_size=Size(0), toast_size=Size(0))
T = '"My ""shop"."Orders"'
PLANTED = {
    "no primary key": f"CREATE TABLE {T} (i bigint)",
    "is integer, id of p is bigint": f"""CREATE TABLE p (id bigint PRIMARY KEY);
        CREATE TABLE {T} (i bigint PRIMARY KEY, "P" int REFERENCES p)""",
    "CHECK": f'CREATE TABLE {T} (i bigint PRIMARY KEY); ALTER TABLE {T} ADD CONSTRAINT "C" CHECK (i > 0) NOT VALID',
    "triggers of this constraint": f"""CREATE TABLE p (id bigint PRIMARY KEY);
        CREATE TABLE {T} (i bigint PRIMARY KEY REFERENCES p); ALTER TABLE {T} DISABLE TRIGGER ALL""",
    "CREATE TRIGGER": f"""CREATE TABLE {T} (i bigint PRIMARY KEY);
        CREATE TRIGGER "Off" BEFORE UPDATE ON {T} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
        ALTER TABLE {T} DISABLE TRIGGER "Off" """,
    "The sequence": f"""CREATE TABLE {T} (i int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
        SELECT setval(pg_get_serial_sequence('{T}', 'i'), 1932735283)""",
    'the largest "Key" seen is 2': f"""CREATE TABLE {T} ("Key" int PRIMARY KEY);
        INSERT INTO {T} SELECT 2000000000 + g FROM generate_series(1, 1000) g; ANALYZE {T}""",
    "timestamp without time zone": f'CREATE TABLE {T} (i bigint PRIMARY KEY, "At" timestamp)',
    "filled with blanks": f'CREATE TABLE {T} (i bigint PRIMARY KEY, "C" char(3))',
    "lc_monetary": f'CREATE TABLE {T} (i bigint PRIMARY KEY, "M" money)',
    "serial instead": f'CREATE TABLE {T} ("I" bigserial PRIMARY KEY)',
    "emptied by a crash": f"CREATE UNLOGGED TABLE {T} (i bigint PRIMARY KEY)",
    "NULL in every row": f"""CREATE TABLE {T} (i bigint PRIMARY KEY, "N" text, m text);
        INSERT INTO {T} SELECT g, NULL, g FROM generate_series(1, 2000) g; ANALYZE {T}""",
    "one value in every row": f"""CREATE TABLE {T} (i bigint PRIMARY KEY, "N" text);
        INSERT INTO {T} SELECT g, 'same' FROM generate_series(1, 2000) g; ANALYZE {T}""",
}
WARNED = ("no primary key", "is integer", "CHECK", "triggers of this constraint", "CREATE TRIGGER", "The sequence", "the largest")


def findings(database: Database, params: SchemaParams = ALL) -> list[Finding]:
    with session_of(target_of(database)) as opened:
        return TASK.assess(TASK.observe(opened), params)


def about(database: Database, text: str) -> list[Finding]:
    wanted = text.replace("The sequence", "sequence ")
    return [one for one in findings(database) if wanted in str(one.because) and one.on.endswith('My "shop.Orders')]


@pytest.mark.parametrize("text", PLANTED)
def test_a_planted_fault_is_found_and_gone_with_its_statement(database: Database, text: str) -> None:
    prepare(database, f'CREATE SCHEMA "My ""shop"; {PLANTED[text]}')
    (one,) = about(database, text)
    assert one.level is (Level.WARNING if text.startswith(WARNED) else Level.OK)
    for statement in re.sub("--.*", "", one.advice).split(";"):
        database.sql(statement)
    prepare(database, f"ANALYZE {T}")
    assert about(database, text) == []


def test_a_table_with_unique_columns_or_one_that_is_a_partition_needs_no_other_key(database: Database) -> None:
    prepare(database, """CREATE TABLE keyed (a int NOT NULL UNIQUE);
        CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id);
        CREATE TABLE part PARTITION OF whole FOR VALUES FROM (0) TO (10)""")  # fmt: skip
    assert [one for one in findings(database) if "no primary key" in str(one.because)] == []
    prepare(database, "CREATE TABLE unkeyed (a int UNIQUE)")
    assert [one.on.split(".")[-1] for one in findings(database) if "no primary key" in str(one.because)] == ["unkeyed"]


def test_numbers_that_are_all_but_used_up_are_critical(database: Database) -> None:
    prepare(database, "CREATE TABLE t (i smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)")
    prepare(database, "SELECT setval('t_i_seq', 32000)")
    (one,) = (one for one in findings(database) if "sequence" in str(one.because))
    assert (one.level, str(one.because)[:45]) == (Level.CRITICAL, "sequence public.t_i_seq is at 32000 of 32767 ")


def test_a_table_that_nobody_uses_is_named_once_it_was_watched_for_long_enough(database: Database) -> None:
    prepare(database, "CREATE TABLE busy AS SELECT 1 AS i; CREATE TABLE idle AS SELECT 1 AS i")
    prepare(database, "SELECT pg_stat_reset()")
    prepare(database, "SELECT * FROM busy")
    unused = [one.on.split(".")[-1] for one in findings(database) if "no scan" in str(one.because)]
    assert unused == ["idle"]
    assert [one for one in findings(database, SchemaParams()) if "no scan" in str(one.because)] == []


def test_large_tables_with_a_time_and_values_out_of_line_are_named(database: Database) -> None:
    prepare(database, """CREATE TABLE events (id bigint PRIMARY KEY, "At" timestamptz NOT NULL, body text);
        ALTER TABLE events ALTER COLUMN body SET STORAGE EXTERNAL;
        INSERT INTO events SELECT g, now(), repeat('x', 20000) FROM generate_series(1, 50) g; ANALYZE events""")  # fmt: skip
    found = {str(one.because).split(":")[0]: one for one in findings(database)}
    assert 'PARTITION BY RANGE ("At")' in found["At"].advice
    assert found["body"].advice.startswith("ALTER TABLE public.events ALTER COLUMN body SET COMPRESSION lz4")
    for one in ("At", "body"):
        database.sql(found[one].advice.partition("--")[0])
    assert found.keys() & {str(one.because).split(":")[0] for one in findings(database, SchemaParams())} == set()


def test_on_every_version_every_fault_is_found(any_postgres: PostgresServer) -> None:
    with fresh_database(any_postgres) as database:
        for text in PLANTED:
            prepare(database, f'CREATE SCHEMA "My ""shop"; {PLANTED[text]}')
            assert len(about(database, text)) == 1, text
            prepare(database, 'DROP SCHEMA "My ""shop" CASCADE; DROP TABLE IF EXISTS p')
