"""Rows counted before and after: what is lost is told, what a live table gains is not."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.integrity.counted import CountFacts
from mainstay.kinds.postgres.settings import Counting, Tolerance
from mainstay.model.because import Finding, Level
from mainstay.model.codec import canonical, decode
from mainstay.model.errors import DeadlinePassed, Refused
from mainstay.model.units import Duration, Share
from tests.cli.shop import Shop
from tests.kinds.postgres.conftest import Database, Sessions, session_of, target_of
from tests.live.postgres_server import PostgresServer

TASK = registry.load("postgres").task("counts")
NOTHING = TASK.params()
TABLES = """
CREATE SCHEMA "My Shop";
CREATE TABLE "My Shop"."Or""ders" AS SELECT g FROM generate_series(1, 1000) g;
CREATE TABLE log(at int) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (100);
CREATE TABLE log_2 PARTITION OF log FOR VALUES FROM (100) TO (200);
INSERT INTO log SELECT generate_series(0, 149);
"""
# As the runbook does it: the newest baseline by name, and a warning for a loss.
SHELL = """
before=$(cat "$1"/maintenance_baseline_*.txt | grep equipment | tail -1 | cut -d: -f2)
if [ "$before" = "$2" ]; then echo match; else echo "warning: mismatch"; fi
"""


def count(session: Session) -> CountFacts:
    """Count as the engine does: facts go through the journal, and are the last ones of the next look."""
    facts: CountFacts = decode(CountFacts, json.loads(canonical(TASK.observe(session))))
    session.last = facts
    return facts


def judged(facts: CountFacts) -> dict[str, Finding]:
    return {one.on.rpartition(" ")[2]: one for one in TASK.assess(facts, NOTHING)}


@pytest.mark.covers("POST-04")
def test_lost_rows_are_critical_and_the_shell_only_warns(database: Database, session: Sessions, tmp_path: Path) -> None:
    (tmp_path / "maintenance_baseline_2.txt").write_text("equipment:1000\n")
    shell = subprocess.run(["sh", "-c", SHELL, "sh", str(tmp_path), "900"], capture_output=True, text=True)
    assert (shell.returncode, shell.stdout) == (0, "warning: mismatch\n")
    database.sql("CREATE TABLE equipment AS SELECT generate_series(1, 1000) AS i")
    with session() as opened:
        assert [one.level for one in TASK.assess(count(opened), NOTHING)] == [Level.OK]
        database.sql("DELETE FROM equipment WHERE i > 900")
        (finding,) = TASK.assess(count(opened), NOTHING)
    assert finding.level is Level.CRITICAL
    assert finding.on == f"table {database.name} public.equipment"
    assert str(finding.because) == "rows 900 < 1,000"
    assert finding.advice.startswith("1,000 before, 900 now")


@pytest.mark.covers("POST-04")
def test_a_routine_that_loses_rows_fails_and_its_report_names_them(database: Database, tmp_path: Path) -> None:
    """Without any baseline file: counted before and after, by the run itself."""
    database.sql("CREATE TABLE equipment AS SELECT generate_series(1, 1000) AS i")
    psql = ["/usr/bin/psql", "-d", database.dsn, "-c", "DELETE FROM equipment WHERE i > 900"]
    site = {
        "site": "shop",
        "timezone": "UTC",
        "state": str(tmp_path / "state"),
        "targets": {
            "db": {"kind": "postgres", "dsn": database.dsn},
            "careless": {"kind": "command", "argv": psql, "neutral": True},
        },
        "routines": {"care": {"tasks": ["careless.run"], "checks": ["db.counts"]}},
    }
    (tmp_path / "mainstay.yaml").write_text(json.dumps(site), encoding="utf-8")
    said = [Shop(tmp_path).run("run", "care", "--yes", code=1), Shop(tmp_path).run("report", "last")]
    assert all("1,000" in one and "900" in one and "public.equipment" in one for one in said[1:]), said


@pytest.mark.covers("POST-04")
def test_each_table_has_its_own_tolerance(database: Database, session: Sessions) -> None:
    database.sql(
        "CREATE TABLE fixed AS SELECT 1; CREATE TABLE live AS SELECT 1; CREATE TABLE few AS SELECT generate_series(1, 100) AS i"
    )
    named = {"public.fixed": Tolerance("exact"), "public.live": Tolerance(), "public.few": Tolerance("percent", Share(0.05))}
    with session(counts=Counting(named)) as opened:
        count(opened)
        database.sql("INSERT INTO fixed VALUES (1); INSERT INTO live VALUES (1); DELETE FROM few WHERE i > 96")
        within = {on: one.level for on, one in judged(count(opened)).items()}
        database.sql("DELETE FROM few WHERE i > 80")
        beyond = judged(count(opened))["public.few"]
    assert within == {"public.fixed": Level.WARNING, "public.live": Level.OK, "public.few": Level.OK}
    assert beyond.level is Level.CRITICAL
    assert str(beyond.because).startswith("lost 16.7 % > counts.tables 5 %")


def test_names_with_quotes_and_partitioned_tables_are_counted_as_wholes(database: Database, session: Sessions) -> None:
    database.sql(TABLES)
    with session() as opened:
        rows = {(one.schema, one.name): one.rows for one in count(opened).tables}
    assert rows == {("My Shop", 'Or"ders'): 1000, ("public", "log"): 150}
    with session(counts=Counting({'"My Shop"."Or""ders"': Tolerance(), "public.nowhere": Tolerance()})) as opened:
        findings = judged(count(opened))
    assert findings.keys() == {'Shop.Or"ders', "public.nowhere"}
    assert findings["public.nowhere"].level is Level.WARNING


def test_a_table_that_is_no_more_among_the_largest_is_still_compared(database: Database, session: Sessions) -> None:
    database.sql(
        "DO $$ BEGIN FOR i IN 1..22 LOOP"
        " EXECUTE format('CREATE TABLE t%s AS SELECT g FROM generate_series(1, %s) g', i, i * 300); END LOOP; END $$"
    )
    with session() as opened:
        assert len(count(opened).tables) == 20
        database.sql("TRUNCATE t22; DROP TABLE t21")
        findings = judged(count(opened))
    assert findings["public.t22"].level is Level.CRITICAL
    assert "6,600 before, 0 now" in findings["public.t22"].advice
    assert findings["public.t21"].level is Level.CRITICAL
    assert "it had 6,300 rows" in findings["public.t21"].advice


def test_all_tables_of_a_database_are_counted_in_one_snapshot(database: Database, session: Sessions) -> None:
    """Rows that move from one table to the other in one transaction are always in one of them."""
    database.sql("CREATE TABLE a AS SELECT generate_series(1, 20000) AS i; CREATE TABLE b AS TABLE a WITH NO DATA")
    stop = threading.Event()

    def move() -> None:
        with database.connect() as other:
            while not stop.is_set():
                other.execute(
                    "WITH gone AS (DELETE FROM a WHERE i IN (SELECT i FROM a LIMIT 50) RETURNING i) INSERT INTO b TABLE gone"
                )

    mover = threading.Thread(target=move)
    mover.start()
    try:
        with session() as opened:
            totals = [sum(one.rows or 0 for one in count(opened).tables) for _ in range(10)]
    finally:
        stop.set()
        mover.join(20)
    assert totals == [20000] * 10
    assert database.sql("SELECT count(*) > 0 FROM b") == [(True,)]


def test_rows_that_are_hidden_from_the_role_are_an_error_and_no_loss(database: Database, session: Sessions) -> None:
    database.sql("CREATE TABLE own(who text); INSERT INTO own VALUES ('a'); CREATE TABLE closed(); CREATE ROLE partial LOGIN")
    try:
        database.sql("GRANT SELECT ON own TO partial; ALTER TABLE own ENABLE ROW LEVEL SECURITY")
        with session(dsn=database.server.dsn(database.name, "partial")) as opened, pytest.raises(Refused):
            count(opened)
        database.sql("ALTER TABLE own DISABLE ROW LEVEL SECURITY")
        with session(dsn=database.server.dsn(database.name, "partial")) as opened:
            findings = judged(count(opened))
    finally:
        database.sql("DROP OWNED BY partial; DROP ROLE partial")
    assert str(findings["public.closed"].because) == "not counted: this role may not read it"
    assert findings["public.own"].level is Level.OK


def test_counting_is_stopped_in_time_and_nothing_goes_on_at_the_server(database: Database, session: Sessions) -> None:
    database.sql("CREATE TABLE long AS SELECT generate_series(1, 1000000)")
    with session(counts=Counting(within=Duration(0.01))) as opened, pytest.raises(DeadlinePassed):
        count(opened)
    running: list[Any] = database.sql(
        "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'mainstay%%' AND state = 'active'"
    )
    assert running == []


def test_every_version_counts(any_postgres: PostgresServer) -> None:
    with session_of(target_of(Database(any_postgres, "postgres"), databases=("*",))) as opened:
        count(opened)
        assert all(one.level is Level.OK for one in TASK.assess(count(opened), NOTHING))
