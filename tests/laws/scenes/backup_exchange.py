"""A live database, a copy of it, and what a copy has replaced."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.backup.drop_old import DropOldParams
from mainstay.kinds.backup.settings import BackupSettings, RepositorySettings
from mainstay.kinds.backup.swap import SwapParams
from mainstay.kinds.backup.unswap import UnswapParams
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.target import Target
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.vault import places
from mainstay.vault.names import BackupId
from mainstay.vault.places import Place, Role
from mainstay.vault.repository import create_repository
from tests.laws.scene import Scene
from tests.live import postgres_server

_ID = BackupId("20261121T020000Z.db.run-3")


def _scene(folder: Path, task: str, params: Any, other: str, role: Role) -> Scene:
    """Make a live database and another one that is known to the repository; each says what it was in the beginning."""
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    server, name = postgres_server.shared(), f"scene_{secrets.token_hex(4)}"
    for one in (name, f"{name}_{other}"):
        server.create_database(one)
        server.sql(f"CREATE TABLE was AS SELECT '{one.removeprefix(name)}'::text AS name", database=one)
    if role == "replaced":
        server.sql(f"ALTER DATABASE {name}_{other} SET mainstay.made = swap")
        server.sql(f"ALTER DATABASE {name}_{other} ALLOW_CONNECTIONS false")
    at = clock.now() - timedelta(days=30)
    kept = Place(1, "db", f"{name}_{other}", role, _ID, at, other if role == "replaced" else "", Duration(86_400))
    places.write(create_repository(folder / "repo"), kept)
    target = Target("safe", "backup", BackupSettings(RepositorySettings(folder / "repo"), ("db",)))
    database = Target("db", "postgres", PostgresSettings(server.dsn(name)))

    def there() -> list[str]:
        found = server.sql("SELECT datname::text FROM pg_database WHERE starts_with(datname, %s)", name)
        return [one for (one,) in found]

    def contents() -> Any:
        """Return what the live database was, and the names beside it, without what stands for a time or a run."""
        names = sorted(re.sub(r"\d{8}T\d{6}Z_[0-9a-f]{8}", "#", one.removeprefix(name)) for one in there())
        return names, server.sql("TABLE was", database=name)

    def drop() -> None:
        for one in there():
            server.sql(f'DROP DATABASE "{one}" WITH (FORCE)')

    return Scene(task, target, params, others=(database,), contents=contents, close=drop)


def swap(folder: Path) -> Scene:
    return _scene(folder, "swap", SwapParams("db"), "copy", "restored")


def unswap(folder: Path) -> Scene:
    return _scene(folder, "unswap", UnswapParams("db"), "before_x", "replaced")


def drop_old(folder: Path) -> Scene:
    return _scene(folder, "drop_old", DropOldParams(), "before_x", "replaced")


SCENES = {"swap": swap, "unswap": unswap, "drop_old": drop_old}
