"""Quick fixes on a real PostgreSQL and on real logs: evidence first, a dry run that does nothing, and a way back."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.cli.shop import Shop
from tests.laws.scenes.postgres_server_wide import wait_until
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

pytestmark = pytest.mark.skipif(bool(postgres_server.missing()), reason=f"needs {postgres_server.missing()}")
SLOW = "SELECT pg_sleep(600), 'the report of the year'"
SITE = """\
site: corner-shop
timezone: Europe/Berlin
state: {folder}/state
targets:
  db: {{kind: postgres, dsn: "{dsn}"}}
  api: {{kind: command, argv: [/usr/bin/touch, "{folder}/restarted"], impact: none}}
  logs: {{kind: logs, paths: ["{folder}/logs/*.log"], size: 1kB, rivals: []}}
emergencies:
  contacts: {{on-call: "+49 30 1234"}}
  fixes: {{memory: [api.run]}}
"""


@dataclass(frozen=True)
class Burning:
    """A shop whose database works on a statement of the application that nobody waits for any more."""

    shop: Shop
    server: PostgresServer
    role: str
    pid: int

    def at_it(self) -> bool:
        """Ask the server whether the statement runs."""
        return bool(self.server.sql("SELECT 1 FROM pg_stat_activity WHERE pid = %s AND state = 'active'", self.pid))

    def fix(self, *more: str, code: int = 0) -> str:
        """Use the quick fix for statements of the application."""
        only = ["--set", "longer_than=0s", "--set", f"users=[{self.role}]"]
        return self.shop.run("emergency", "fix", "db.cancel", *only, *more, code=code)

    def shown(self) -> dict[str, Any]:
        """Return the newest emergency."""
        found: dict[str, Any] = self.shop.json("emergency", "show")["emergency"]
        return found


@pytest.fixture
def burning(tmp_path: Path) -> Iterator[Burning]:
    server, role = postgres_server.shared(), f"app_{secrets.token_hex(4)}"
    server.sql(f"CREATE ROLE {role} LOGIN")
    (tmp_path / "logs").mkdir()
    (tmp_path / "mainstay.yaml").write_text(SITE.format(folder=tmp_path, dsn=server.dsn()))
    with closing(psycopg.connect(make_conninfo(server.dsn(), user=role, application_name="web"), autocommit=True)) as client:
        client.pgconn.send_query(SLOW.encode())
        client.pgconn.flush()
        made = Burning(Shop(tmp_path), server, role, client.info.backend_pid)
        wait_until(made.at_it)
        yield made
    server.sql(f"DROP ROLE {role}")


@pytest.mark.covers("EMG-08")
def test_a_long_statement_is_ended_after_it_was_written_down_and_not_by_a_dry_run(burning: Burning) -> None:
    burning.shop.run("emergency", "open", "--severity", "S2", "--reason", "the database is busy")
    listed = burning.shop.json("emergency", "fixes")["fixes"]
    assert {(one["symptom"], one["task"]) for one in listed} >= {
        ("cpu", "db.cancel"),
        ("connections", "db.cancel"),
        ("disk", "logs.rotate"),
    }
    assert "cancel" in burning.fix("--dry-run")
    assert burning.at_it()
    assert len(burning.shown()["evidence"]) == 1
    burning.fix("--yes")
    assert not burning.at_it()
    kept = burning.shown()["evidence"][1]
    assert kept["why"] == "before the quick fix db.cancel"
    assert {look["task"] for look in kept["looks"]} == {"db.activity", "db.check"}
    assert all(word in str(kept["looks"]) for word in (burning.role, str(burning.pid)))
    report = burning.shop.run("emergency", "report", "--format", "markdown")
    assert report.index("before the quick fix db.cancel") < report.index("db.cancel: cancel")


def test_without_consent_nothing_is_ended(burning: Burning) -> None:
    burning.shop.run("emergency", "open", "--severity", "S2", "--reason", "the database is busy")
    assert "nobody consented" in burning.fix(code=3)
    assert burning.at_it()


def test_a_quick_fix_belongs_to_an_open_emergency(burning: Burning) -> None:
    assert "no emergency is open" in burning.fix("--yes", code=3)
    burning.shop.run("emergency", "open", "--severity", "S2", "--reason", "busy")
    burning.shop.run("emergency", "close", "last", "--resolution", "went away")
    assert "no emergency is open" in burning.fix("--yes", code=3)
    assert "the emergency is closed" in burning.fix("--yes", "--id", "last", code=3)
    assert "that task is no quick fix" in burning.shop.run("emergency", "fix", "db.vacuum", code=3)
    assert burning.at_it()


@pytest.mark.covers("EMG-08")
def test_the_configuration_names_what_relieves_memory(burning: Burning) -> None:
    burning.shop.run("emergency", "open", "--severity", "S2", "--reason", "no memory is left")
    assert "memory: memory pressure" in burning.shop.run("emergency", "fixes")
    burning.shop.run("emergency", "fix", "api.run", "--yes")
    assert (burning.shop.folder / "restarted").exists()
    assert [look["task"] for look in burning.shown()["evidence"][1]["looks"]] == ["api.check"]


@pytest.mark.covers("EMG-08")
def test_what_can_be_taken_back_stays_so_for_a_day(burning: Burning) -> None:
    log = burning.shop.folder / "logs" / "app.log"
    log.write_text("a line of the log\n" * 500)
    before = os.stat(log).st_ino
    burning.shop.run("emergency", "open", "--severity", "S3", "--reason", "the disk is full")
    burning.shop.run("emergency", "fix", "logs.rotate")
    assert not log.exists() or os.stat(log).st_ino != before
    burning.shop.run("rollback", "last")
    assert os.stat(log).st_ino == before
