"""The care for a database is rehearsed on a private server and nobody comes to the live one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstay.engine.run import Launch
from mainstay.model.run import RunRecord, Verdict
from mainstay.system.process import tagged
from mainstay.vault import rehearsal
from mainstay.vault.rehearsal import Copied
from mainstay.vault.repository import open_repository
from tests.engine.shop import Shop
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

pytestmark = [
    pytest.mark.skipif(bool(postgres_server.missing()), reason=f"needs {postgres_server.missing()}"),
    pytest.mark.slow,
]
ORDERS = """
CREATE TABLE orders(id int PRIMARY KEY, who text);
CREATE TABLE items(id int PRIMARY KEY, order_id int, note text DEFAULT 'none');
CREATE INDEX by_who ON orders(who);
INSERT INTO orders SELECT g, 'w' || g % 50 FROM generate_series(1, 5000) g;
INSERT INTO items SELECT g, g % 5005, 'n' || g FROM generate_series(1, 5010) g;
"""
# An index that a restore can build, whose sessions are without jit, and a rebuild cannot; and nobody may drop a table.
SICK = """
CREATE FUNCTION picky(who text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
  IF current_setting('jit')::bool AND current_setting('lock_timeout') = '0' THEN RAISE EXCEPTION 'not without a limit'; END IF;
  RETURN who;
END $$;
SET jit = off;
CREATE INDEX by_picky ON orders(picky(who));
CREATE FUNCTION guard() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'nothing is dropped here'; END $$;
CREATE EVENT TRIGGER guard ON sql_drop EXECUTE FUNCTION guard()
"""
# Whoever drops a table changes another one: nobody would notice that but by comparing.
LOSSY = """
CREATE FUNCTION careless() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
  UPDATE public.items SET note = 'written anew' WHERE id = 1;
END $$;
CREATE EVENT TRIGGER careless ON sql_drop EXECUTE FUNCTION careless()
"""
ORPHANS = {"rules": {"items": {"table": "public.items", "parent": "public.orders", "columns": {"order_id": "id"}}}}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """Return the live server, which writes down whoever connects."""
    with postgres_server.server(tmp_path_factory.mktemp("live"), 15, settings={"log_connections": "on"}) as server:
        yield server


@pytest.fixture(scope="module")
def shop(live: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return a site of three databases that are backed up."""
    made = Shop(tmp_path_factory.mktemp("rehearsal"))
    live.sql("CREATE ROLE care LOGIN")
    for name, more in (("sound", ""), ("sick", SICK), ("lossy", LOSSY)):
        _database(live, name, more)
        dsn = live.dsn(name, "care" if name == "sound" else "postgres")
        made.targets[name] = {"kind": "postgres", "dsn": dsn, "orphans": ORPHANS}
        made.routines[name] = {"tasks": _tasks(name)}
    repository = {"path": str(made.folder / "repo")}
    made.targets["safe"] = {"kind": "backup", "repository": repository, "of": ["sound", "sick", "lossy"]}
    record = _run(made, "safe.backup")
    assert record.verdict is Verdict.PASS, record.because
    return made


def _database(server: PostgresServer, name: str, more: str) -> None:
    server.create_database(name)
    if name == "sound":
        server.sql("ALTER DATABASE sound OWNER TO care; ALTER SCHEMA public OWNER TO care", database=name)
        with server.connect(name, "care") as connection:
            connection.execute(ORDERS.encode())
    else:
        server.sql(ORDERS + more, database=name)


def _tasks(name: str) -> list[object]:
    reindex = {f"{name}.reindex": {"ratio": 1.2, "min_waste": "0B"}}
    analyze = {f"{name}.analyze": {"needs": [f"{name}.reindex"], "modified_share": 0}}
    return [f"{name}.vacuum", reindex, {f"{name}.orphans": {"delete": True}}, analyze]


def _run(shop: Shop, task: str, **params: str) -> RunRecord:
    app = shop.open()
    return app.run(app.routine(task, params or None), Launch(by="ann"))


def _copy(shop: Shop, of: str) -> Copied:
    return [one for one in rehearsal.all_of(open_repository(shop.folder / "repo")) if one.of == of][-1].copies[0]


def _connections(server: PostgresServer) -> int:
    return server.log().count("connection received")


@pytest.mark.covers("AUT-08")
def test_a_routine_is_done_taken_back_and_compared_and_nobody_comes_to_the_live_server(shop: Shop, live: PostgresServer) -> None:
    before = _connections(live)
    assert before, "it would be written down"
    record = _run(shop, "safe.rehearse", routine="sound")
    assert _connections(live) == before
    assert record.verdict is Verdict.PASS, record.because
    copy = _copy(shop, "sound")
    vacuum, reindex, orphans, _ = copy.tried
    assert {one.step.split()[0] for one in vacuum.acts} == {"vacuum"}
    assert any("by_who" in one.step for one in reindex.acts)
    assert [one.undo for one in orphans.acts] == [False, True]
    assert "nothing is lost" in copy.compared
    assert "1 taken back in" in record.tasks[0].steps[0].output


@pytest.mark.covers("AUT-08")
def test_a_task_that_fails_on_the_copy_fails_the_rehearsal_which_names_it(shop: Shop) -> None:
    record = _run(shop, "safe.rehearse", routine="sick")
    assert record.verdict is Verdict.FAIL
    assert "sick.reindex: reindex sick public by_picky" in record.because
    assert "not without a limit" in record.because
    assert "sick.orphans: undo of move" in record.because
    assert "nothing is dropped here" in record.because
    assert "next: mend it before sick runs" in record.because
    vacuum, reindex, orphans, analyze = _copy(shop, "sick").tried
    assert not vacuum.failure
    assert reindex.failure
    assert analyze.left_out == "it needs sick.reindex, which failed"
    assert [bool(one.trouble) for one in orphans.acts] == [False, True]


@pytest.mark.covers("AUT-08")
def test_an_undo_that_loses_something_is_found_by_comparing(shop: Shop) -> None:
    record = _run(shop, "safe.rehearse", routine="lossy")
    assert record.verdict is Verdict.FAIL
    assert "after everything was taken back, public.items: the same count, but other content" in record.because
    assert all(not one.failure for one in _copy(shop, "lossy").tried), "nothing but the comparison has seen it"


def test_a_version_without_programs_is_named_and_nothing_counts_as_rehearsed(shop: Shop, tmp_path: Path) -> None:
    shop.targets["sound"]["programs"] = str(tmp_path)
    record = _run(shop, "safe.rehearse", routine="sound")
    del shop.targets["sound"]["programs"]
    assert record.verdict is Verdict.FAIL
    assert "no server can be started for the rehearsal (sound): the backup is of version 15" in record.because
    assert _copy(shop, "sound").tried == ()


def test_a_killed_rehearsal_leaves_nothing_and_is_done_on_resume_although_the_live_server_is_down(
    shop: Shop, live: PostgresServer
) -> None:
    live.stop()
    app = shop.open()
    program = [sys.executable, "-c", "from mainstay.cli.main import main; main()", "--config", str(shop.folder / "mainstay.yaml")]
    with subprocess.Popen([*program, "rehearse", "sound"], stdout=subprocess.DEVNULL, start_new_session=True) as killed:
        until = time.monotonic() + 120
        while not (runs := app.runs(1)) or not _servers(runs[0]):
            assert killed.poll() is None, "it came to its end"
            assert time.monotonic() < until
            time.sleep(0.01)
        killed.send_signal(signal.SIGKILL)
    assert _servers(runs[0]), "the private server outlives who started it"
    record = app.resume(runs[0].id)
    assert record.verdict is Verdict.PASS, record.because
    assert rehearsal.all_of(open_repository(shop.folder / "repo"))[-1].name.startswith(record.id)
    assert list((shop.folder / "repo").glob(".part-*")) == []
    assert _servers(runs[0]) == []


def _servers(run: RunRecord) -> list[int]:
    """Return the servers that a rehearsal has started and that run."""
    found = tagged(f"{run.id}/safe.rehearse/rehearse", f"{run.id}/safe.rehearse/look")
    return [pid for pid in found if b"/postgres\0-D\0" in _command(pid)]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
