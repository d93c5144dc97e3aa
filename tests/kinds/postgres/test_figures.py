"""Sizes and durations of a real run: measured, kept, and told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.run import RunRecord, Status
from mainstay.report import terminal
from mainstay.report.render import document
from mainstay.report.run import build
from mainstay.system import clock
from tests.kinds.postgres.conftest import Database

TABLE = 'public.Or"ders'


@pytest.fixture
def app(database: Database, tmp_path: Path) -> App:
    """Return a site with the database, whose one table is half dead."""
    database.sql('CREATE TABLE "Or""ders" AS SELECT i, repeat(\'x\', 90) AS t FROM generate_series(1, 20000) i')
    database.sql('DELETE FROM "Or""ders" WHERE i > 10000')
    dsn = " ".join(f"{key}={value}" for key, value in conninfo_to_dict(database.dsn).items())
    site = {
        "site": "shop",
        "timezone": "UTC",
        "state": str(tmp_path / "state"),
        "targets": {"db": {"kind": "postgres", "dsn": dsn}},
        "routines": {"care": {"tasks": [{"db.vacuum": {"recent": "0s"}}]}},
    }
    (tmp_path / "mainstay.yaml").write_text(json.dumps(site), encoding="utf-8")
    return App.open(tmp_path / "mainstay.yaml")


def cared_for(app: App) -> RunRecord:
    record = app.run("care", Launch(by="ann", envelope=app.forecast("care").envelope, how="test"))
    assert record.status is Status.CHANGED, record.because
    return record


def called(folder: Path, *words: str) -> str:
    """Return what the program prints."""
    program = [sys.executable, "-c", "from mainstay.cli.main import main; main()", "-c", str(folder / "mainstay.yaml")]
    return subprocess.run([*program, *words], capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.covers("DBP-14")
def test_a_run_records_bytes_and_rows_of_what_it_changed(app: App, database: Database) -> None:
    measured = {one.name: one for one in cared_for(app).tasks[0].steps[0].measures}
    heap, dead = measured[f"heap {database.name}.{TABLE}"], measured[f"dead rows {database.name}.{TABLE}"]
    assert heap.after == database.sql('SELECT pg_relation_size(\'"Or""ders"\')')[0][0]
    assert heap.before > 1.8 * heap.after
    assert (dead.before, dead.after) == (10_000, 0)


@pytest.mark.covers("DBP-14")
def test_sizes_before_and_after_and_the_duration_go_into_the_history(app: App, database: Database) -> None:
    record = cared_for(app)
    history = app.history(["db"], 1)["db"]
    heap = [value for _, value in history[f"heap {database.name}.{TABLE}"].points]
    assert heap[0] > 1.8 * heap[-1]
    assert history["duration vacuum"].points[0][1] == pytest.approx(record.tasks[0].took, abs=0.5)


@pytest.mark.covers("DBP-14", "POST-06")
def test_the_report_tells_what_was_given_back(app: App, database: Database) -> None:
    report = build(cared_for(app), [], clock.now())
    told = terminal.write(document(report), 120)
    assert report.reclaimed
    assert report.reclaimed > 1_000_000
    assert f"heap {database.name}.{TABLE}" in told
    assert f"given back {report.reclaimed} (on disk)" in told


@pytest.mark.covers("KPI-06")
def test_objectives_have_a_history(app: App, tmp_path: Path) -> None:
    for _ in range(3):
        app.check(["db"])
    found = json.loads(called(tmp_path, "trends", "db", "--json"))["figures"]
    kept = {one["name"]: one["within"] for one in found if one["within"] is not None}
    assert 0 <= kept["read latency"] <= 1
    assert kept["connections"] == 1


def test_why_finds_a_table_by_its_name_as_sql_writes_it(app: App, database: Database, tmp_path: Path) -> None:
    for item in ('public."Or""ders"', f'{database.name}.public."Or""ders"'):
        told = called(tmp_path, "why", "db.vacuum", item)
        assert "dead_share 50 %" in told
        assert ".dead_limit" in told
