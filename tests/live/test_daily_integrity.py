"""The daily check of a dump: what `gunzip -t` lets pass is found, and the exit code says so."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer
from tests.serve.served import Site

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(postgres_server.missing()), reason=postgres_server.missing())]
ORDERS = "CREATE TABLE orders AS SELECT id, md5(id::text) AS what FROM generate_series(1, 20000) AS id"
DAILY = {"tasks": ["safe.backup", {"safe.verify": {"needs": ["safe.backup"]}}, {"safe.prove": {"needs": ["safe.verify"]}}]}


class Shop:
    """A site whose database is backed up, read back and restored every day."""

    def __init__(self, folder: Path, server: PostgresServer, name: str) -> None:
        self.server, self.name, self.site, self.repository = server, name, Site(folder), folder / "repo"
        self.site.settings["targets"]["safe"] = {"kind": "backup", "repository": {"path": str(self.repository)}, "of": ["db"]}
        self.site.settings["routines"]["daily"] = DAILY
        self.reach(name)

    def reach(self, name: str) -> None:
        """Let the target be this database."""
        self.site.settings["targets"]["db"] = {"kind": "postgres", "dsn": self.server.dsn(name)}
        self.site.write()

    def daily(self, code: int = 0) -> str:
        return self.site.call("run", "daily", "--yes", code=code)

    def told(self) -> set[str]:
        """Return what a check of the repository finds unusual."""
        found = json.loads(self.site.call("check", "safe", "--json", code=1))["checks"]
        return {one["because"]["fact"] for look in found for one in look["findings"] if one["level"] != "ok"}

    def backups(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.site.call("backup", "list", "--json"))["backups"]
        return found


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    server, name = postgres_server.shared(), f"daily_{secrets.token_hex(4)}"
    server.create_database(name)
    server.sql(ORDERS, database=name)
    yield Shop(tmp_path, server, name)
    server.sql(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.covers("BKP-02")
def test_a_dump_that_failed_and_one_that_was_damaged_end_with_an_error_that_names_them(shop: Shop, tmp_path: Path) -> None:
    runbook = 'pg_dump "$DSN" | gzip > backup.sql.gz; gunzip -t backup.sql.gz'
    where = {"PATH": f"{shop.server.binaries.bin}:/usr/bin:/bin", "DSN": shop.server.dsn("nobody_has_it")}
    passed = subprocess.run(["sh", "-c", runbook], cwd=tmp_path, env=where, capture_output=True, timeout=60, check=False)
    assert passed.returncode == 0
    assert (tmp_path / "backup.sql.gz").stat().st_size == 20
    shop.reach("nobody_has_it")
    assert "does not exist" in shop.daily(code=1)
    assert list(shop.repository.glob("backups/*")) == []
    shop.reach(shop.name)
    shop.daily()
    [made] = shop.backups()
    assert made["proven"], "it was restored, and compared with what was counted in its snapshot"
    stored = max(shop.repository.glob("objects/*/*"), key=lambda path: path.stat().st_size)
    content = bytearray(stored.read_bytes())
    content[len(content) // 2] ^= 1
    stored.chmod(0o600)
    stored.write_bytes(content)
    assert stored.name[:12] in "".join(shop.site.call("backup", "verify", code=1).split())
    shop.site.call("backup", "prove", code=1)
    shop.site.call("check", "safe", code=2)


@pytest.mark.covers("BKP-02")
def test_a_dump_that_is_whole_and_holds_less_than_those_before_it_is_found(shop: Shop) -> None:
    for _ in range(4):
        shop.daily()
    shop.server.sql("DELETE FROM orders WHERE id > 10", database=shop.name)
    shop.daily()
    assert {"the newest dump is smaller than usual by", "public.orders holds less than usual by"} <= shop.told()
