"""Damage is found, in turns, and said how to repair."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import NoParams, Session
from mainstay.kinds.postgres.integrity.amcheck import AmcheckFacts
from mainstay.kinds.postgres.settings import Amcheck, PostgresSettings
from mainstay.model.because import Finding, Level
from mainstay.model.plan import Impact
from mainstay.model.units import Size
from tests.kinds.postgres.conftest import Database, Sessions, fresh_database, session_of, target_of
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer, server

TASK = registry.load("postgres").task("amcheck")
ORDERS = """
CREATE TABLE "Orders" (id int PRIMARY KEY, who text);
INSERT INTO "Orders" SELECT g, md5(g::text) FROM generate_series(1, 20000) g;
CREATE INDEX "By who" ON "Orders" (who);
CHECKPOINT
"""
PAGE = 8192


def found(session: Session) -> tuple[AmcheckFacts, list[Finding]]:
    facts = TASK.observe(session)
    return facts, TASK.assess(facts, NoParams())


def critical(findings: list[Finding]) -> list[Finding]:
    return [one for one in findings if one.level is Level.CRITICAL]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Database]:
    """Return a database with an index, on a server whose files may be damaged."""
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    with server(tmp_path / "pg") as running:
        running.extend()
        with fresh_database(running) as made:
            made.sql(ORDERS)
            yield made


def damage(database: Database, relation: str, page: int, offset: int, content: bytes) -> None:
    """Overwrite bytes of a page of a stopped server's file."""
    path = database.server.data / database.sql("SELECT pg_relation_filepath(%s)", relation)[0][0]
    database.server.stop()
    with path.open("r+b") as file:
        file.seek(page * PAGE + offset)
        file.write(content)
    database.server.start()


def test_a_sound_database_is_said_to_be_sound(database: Database, session: Sessions) -> None:
    database.sql(ORDERS)
    with session() as opened:
        facts, findings = found(opened)
    assert critical(findings) == []
    assert "objects are sound" in str(findings[-1].because)
    assert {("index", database.name, "public", "By who"), ("table", database.name, "public", "Orders")} <= {
        one.on for one in facts.verdicts if one.at
    }


@pytest.mark.covers("DBP-04")
@pytest.mark.parametrize("depth", [Amcheck(depth="rows"), Amcheck(depth="parents")], ids=lambda one: one.depth)
def test_an_index_without_some_of_its_rows_is_found(own: Database, depth: Amcheck) -> None:
    damage(own, '"By who"', 2, 24 + 4 * 50, b"\0" * 4 * 20)  # twenty line pointers in the middle of a leaf
    with session_of(target_of(own, amcheck=depth)) as opened:
        bad = critical(found(opened)[1])
    assert [one.on for one in bad] == [f"index {own.name} public By who"]
    assert bad[0].advice.endswith('REINDEX INDEX CONCURRENTLY public."By who"')


def test_a_page_that_is_none_any_more_is_found(own: Database) -> None:
    damage(own, '"By who"', 3, 0, b"\xff" * PAGE)
    with session_of(target_of(own)) as opened:
        bad = critical(found(opened)[1])
    assert [one.on for one in bad] == [f"index {own.name} public By who"]
    assert "invalid page" in str(bad[0].because)


def test_a_damaged_table_is_found(own: Database) -> None:
    beyond = struct.pack("<I", 32760 | 1 << 15 | 100 << 17)  # a row of 100 bytes that begins behind the end of its page
    damage(own, '"Orders"', 1, 24 + 4 * 3, beyond)
    with session_of(target_of(own)) as opened:
        bad = critical(found(opened)[1])
    assert f"table {own.name} public Orders" in [one.on for one in bad]


def test_what_was_checked_longest_ago_comes_first(database: Database, session: Sessions) -> None:
    database.sql(ORDERS)
    with session(amcheck=Amcheck(most=Size(200_000))) as opened:
        seen, rounds = set[tuple[str, ...]](), 0
        while not opened.last or any(one.at is None for one in opened.last.verdicts):
            before = {one.on for one in opened.last.verdicts if one.at} if opened.last else set()
            opened.last, rounds = TASK.observe(opened), rounds + 1
            now = {one.on for one in opened.last.verdicts if one.at}
            assert now > before
            seen |= now
        assert rounds > 3
        assert len(seen) == len(opened.last.verdicts)


def test_a_database_without_the_extension_is_a_finding(database: Database, session: Sessions) -> None:
    database.sql("DROP EXTENSION amcheck")
    with session() as opened:
        findings = found(opened)[1]
    assert [str(one.because) for one in findings] == ["amcheck: the extension is not installed"]


def test_a_role_that_may_not_check_is_a_finding(database: Database, session: Sessions) -> None:
    role = f"reader {database.name}"
    database.sql(f'CREATE ROLE "{role}" LOGIN')
    try:
        with session(dsn=database.server.dsn(database.name, role)) as opened:
            findings = found(opened)[1]
    finally:
        database.sql(f'DROP ROLE "{role}"')
    assert [str(one.because) for one in findings] == ["amcheck: this role may not call its functions"]


def test_only_the_look_at_parents_blocks_writes() -> None:
    settings = PostgresSettings("dbname=app")
    assert TASK.highest_impact(settings, NoParams()) is Impact.LOAD
    assert (
        TASK.highest_impact(PostgresSettings("dbname=app", amcheck=Amcheck(depth="parents")), NoParams()) is Impact.BLOCKS_WRITES
    )


@pytest.mark.slow
def test_each_version_is_checked(any_postgres: PostgresServer) -> None:
    with fresh_database(any_postgres) as made, session_of(target_of(made)) as opened:
        made.sql(ORDERS)
        facts, findings = found(opened)
        assert critical(findings) == []
        assert all(one.at for one in facts.verdicts)
        kinds = {one.on[0] for one in facts.verdicts}
        assert kinds == ({"index"} if any_postgres.major == 13 else {"index", "table"})
