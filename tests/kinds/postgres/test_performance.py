"""What a server did between two looks, on a real one; and how databases grow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import psycopg
import pytest

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.performance.performance import Performance, PerformanceFacts
from mainstay.kinds.postgres.performance.verdicts import PerformanceParams
from mainstay.kinds.postgres.performance.work import Work, figures, named, work
from mainstay.kinds.postgres.space.sizes import SizeParams, Sizes
from mainstay.model.because import Finding, Level
from mainstay.model.codec import decode, encode
from mainstay.model.figure import Figure, Series
from mainstay.model.units import Duration, Share, Size
from mainstay.system import clock
from tests.kinds.postgres.conftest import Database, Sessions, fresh_database, session_of, target_of
from tests.live.postgres_server import PostgresServer

TASK, SIZES = Performance(), Sizes()
JUDGED = PerformanceParams(shortest=Duration(0), large=Size(100_000), scans_a_day=10, temp_a_day=Size(1_000_000))


def again(opened: Session, last: PerformanceFacts) -> PerformanceFacts:
    """Look once more, as the engine does: the last facts come from a file."""
    opened.last = decode(PerformanceFacts, encode(last))
    return TASK.observe(opened)


def warnings(found: list[Finding]) -> dict[str, Finding]:
    return {one.because.fact: one for one in found if one.level is Level.WARNING}


@pytest.mark.covers("DBP-16", "PRF-02")
def test_scans_and_temporary_files_of_the_period_are_found(database: Database, session: Sessions) -> None:
    database.sql("CREATE TABLE \"Big 'one\" AS SELECT i, repeat('x', 100) AS t FROM generate_series(1, 20000) i")
    with session() as opened:
        first = TASK.observe(opened)
        database.sql('SET work_mem = 64; SELECT count(*) FROM (SELECT * FROM "Big \'one" ORDER BY t, i OFFSET 1) x')
        found = warnings(TASK.assess(_seen(opened, first), JUDGED))
    assert found["scans_a_day"].on == f"{database.name}.public.Big 'one"
    assert found["temp_a_day"].because.op == ">"


def _seen(opened: Session, first: PerformanceFacts) -> PerformanceFacts:
    """Look until the counters of the other session have arrived: before version 15 that takes half a second."""
    for _ in range(20):
        facts = again(opened, first)
        if facts.done and facts.done.temp_a_day and facts.tables:
            break
    return facts


@pytest.mark.covers("DBP-16")
def test_a_deadlock_and_rollbacks_are_counted(database: Database, session: Sessions) -> None:
    database.sql("CREATE TABLE t (i int)")
    with session() as opened:
        first = TASK.observe(opened)
        with database.connect() as other:
            for _ in range(200):
                with pytest.raises(psycopg.errors.UndefinedTable):
                    other.execute("SELECT * FROM missing")
        done = again(opened, first).done
    assert done
    assert done.rollback_share
    assert done.rollback_share > 0.2


def test_the_first_look_says_that_it_only_begins(session: Sessions) -> None:
    with session() as opened:
        found = TASK.assess(TASK.observe(opened), PerformanceParams())
    assert any("first look" in str(one.because) for one in found)


@pytest.mark.covers("PRF-02", "DBP-16")
def test_what_is_worse_than_usual_is_found_and_ranked(session: Sessions) -> None:
    with session() as opened:
        facts = again(opened, TASK.observe(opened))
    assert facts.done
    done = replace(facts.done, length=Duration(604800), wal_a_day=Size(9_000), deadlocks_a_day=40.0, temp_a_day=Size(0))
    facts = replace(facts, done=done, usual={"wal_a_day": 3_000, "deadlocks_a_day": 2}, tables=())
    found = [one for one in TASK.assess(facts, PerformanceParams()) if one.because.param == "worse"]
    assert [one.because.fact for one in found] == ["deadlocks_a_day", "wal_a_day"]
    assert "usually 3 kB" in found[1].advice


@pytest.mark.covers("PRF-02")
def test_what_is_usual_is_the_median_of_the_history(session: Sessions) -> None:
    def history(since: datetime, names: Iterable[str]) -> dict[str, Series]:
        points = [(since + timedelta(days=day), value) for day, value in enumerate((1.0, 9.0, 2.0))]
        return {named("deadlocks_a_day"): Series(named("deadlocks_a_day"), "", points)}

    with session() as opened:
        first, opened.history = TASK.observe(opened), history
        assert again(opened, first).usual == {"deadlocks_a_day": 2}


def test_counters_of_a_restarted_server_count_from_zero(session: Sessions) -> None:
    with session() as opened:
        totals = TASK.observe(opened).totals
    later = replace(totals, clock=totals.clock + 100, commits=500)
    assert work(later, replace(totals, commits=10**9)).commits == 5


def test_every_version_is_measured(any_postgres: PostgresServer) -> None:
    with fresh_database(any_postgres) as database, session_of(target_of(database)) as opened:
        first = TASK.observe(opened)
        database.sql("CHECKPOINT")
        done: Work | None = again(opened, first).done
        assert done
        assert {one.name for one in figures(done)} >= {named("commits"), named("wal_a_day"), named("checkpoints_a_day")}
        assert done.checkpoints_a_day > 0


@pytest.mark.covers("DBP-14")
def test_what_has_grown_since_last_week_is_named(database: Database, session: Sessions) -> None:
    database.sql("CREATE TABLE orders AS SELECT i, repeat('x', 100) AS t FROM generate_series(1, 5000) i")
    name = f"table {database.name}.public.orders"
    with session() as opened:
        opened.history = lambda _since, _names: {name: Series(name, "B", [(clock.now() - timedelta(days=7), 100_000)])}
        facts = SIZES.observe(opened)
    found = SIZES.assess(facts, SizeParams(growth=Share(0.5), min_growth=Size(1000)))
    assert [(one.on, one.level) for one in found] == [(name, Level.WARNING)]
    assert "100 kB 7d ago" in found[0].advice


@pytest.mark.covers("DBP-14")
def test_sizes_are_bytes_for_every_database_and_relation(database: Database, session: Sessions) -> None:
    database.sql('CREATE TABLE "Mixed ""x" (i int PRIMARY KEY); INSERT INTO "Mixed ""x" SELECT generate_series(1, 1000)')
    with session() as opened:
        written = {one.name: one for one in SIZES.figures(SIZES.observe(opened))}
    size = database.sql('SELECT pg_database_size(current_database()), pg_indexes_size(\'"Mixed ""x"\')')[0]
    assert written[f"database {database.name}"].value == pytest.approx(size[0], rel=0.05)
    found: Figure = written[f'indexes {database.name}.public.Mixed "x']
    assert (found.value, found.unit) == (size[1], "B")
