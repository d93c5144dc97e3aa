"""The care for a database is rehearsed on a private server while the live one does not even run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstay.engine.run import Launch
from mainstay.model.run import RunRecord, Verdict
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
# It can be built with the memory that a restore has, and with no other.
SICK = """
CREATE FUNCTION picky(who text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
  IF current_setting('maintenance_work_mem') <> '256MB' THEN RAISE EXCEPTION 'not with so little memory'; END IF;
  RETURN who;
END $$;
SET maintenance_work_mem = '256MB';
CREATE INDEX by_picky ON orders(picky(who))
"""
# Whoever puts a row back changes it: nobody would notice that but by comparing.
LOSSY = """
CREATE FUNCTION overwrite() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'written anew'; RETURN NEW; END $$;
CREATE TRIGGER overwrite BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION overwrite()
"""
ORPHANS = {"rules": {"items": {"table": "public.items", "parent": "public.orders", "columns": {"order_id": "id"}}}}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Return a site of three databases that are backed up; their server was stopped after that."""
    folder = tmp_path_factory.mktemp("rehearsal")
    made, server = Shop(folder), PostgresServer
    with postgres_server.server(folder / "live", 15) as server:
        server.sql("CREATE ROLE care LOGIN")
        for name, more in (("sound", ""), ("sick", SICK), ("lossy", LOSSY)):
            _database(server, name, more)
            dsn = server.dsn(name, "care" if name == "sound" else "postgres")
            made.targets[name] = {"kind": "postgres", "dsn": dsn, "orphans": ORPHANS}
            made.routines[name] = {"tasks": [f"{name}.vacuum", _reindex(name), {f"{name}.orphans": {"delete": True}}]}
        made.targets["safe"] = {"kind": "backup", "repository": {"path": str(folder / "repo")}, "of": ["sound", "sick", "lossy"]}
        record = _run(made, "safe.backup")
        assert record.verdict is Verdict.PASS, record.because
    yield made


def _database(server: PostgresServer, name: str, more: str) -> None:
    server.create_database(name)
    if name == "sound":
        server.sql("ALTER DATABASE sound OWNER TO care; ALTER SCHEMA public OWNER TO care", database=name)
        with server.connect(name, "care") as connection:
            connection.execute(ORDERS.encode())
    else:
        server.sql(ORDERS + more, database=name)


def _reindex(name: str) -> dict[str, dict[str, object]]:
    return {f"{name}.reindex": {"ratio": 1.2, "min_waste": "0B"}}


def _run(shop: Shop, task: str, **params: str) -> RunRecord:
    app = shop.open()
    return app.run(app.routine(task, params or None), Launch(by="ann"))


def _copy(shop: Shop, of: str) -> Copied:
    return [one for one in rehearsal.all_of(open_repository(shop.folder / "repo")) if one.of == of][-1].copies[0]


def test_a_routine_is_done_taken_back_and_compared_while_the_live_server_is_stopped(shop: Shop) -> None:
    record = _run(shop, "safe.rehearse", routine="sound")
    assert record.verdict is Verdict.PASS, record.because
    copy = _copy(shop, "sound")
    vacuum, reindex, orphans = copy.tried
    assert {one.step.split()[0] for one in vacuum.acts} == {"vacuum"}
    assert any("by_who" in one.step for one in reindex.acts)
    assert [one.undo for one in orphans.acts] == [False, True]
    assert "nothing is lost" in copy.compared
    assert "1 taken back in" in record.tasks[0].steps[0].output
