"""A cluster of its own with one small table, and the programs of the next version."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.kind import NoParams
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.target import Target
from tests.laws.scene import Scene
from tests.live import postgres_server

NEXT = postgres_server.CACHE / "16" / "bin"
TABLE = """
CREATE TABLE orders(id int);
INSERT INTO orders SELECT generate_series(1, 100);
UPDATE pg_attribute SET attoptions = NULL WHERE attrelid = 'orders'::regclass;  -- of 15.20, which 16.14 does not know
"""


def upgrade_rehearsal(folder: Path) -> Scene:
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    ending = ExitStack()
    server = ending.enter_context(postgres_server.server(folder / "server"))
    scratch = server.folder / "scratch"
    scratch.mkdir()
    shutil.chown(scratch, server.data.owner(), server.data.group())
    server.sql(TABLE)

    def contents() -> Any:
        return server.sql("SELECT count(*), sum(id) FROM orders"), sorted(
            str(path.relative_to(scratch)) for path in scratch.rglob("*")
        )

    settings = PostgresSettings(server.dsn(), next_programs=NEXT, rehearsals=scratch)
    return Scene("upgrade_rehearsal", Target("db", "postgres", settings), NoParams(), contents=contents, close=ending.close)


SCENES = {"upgrade_rehearsal": upgrade_rehearsal}
