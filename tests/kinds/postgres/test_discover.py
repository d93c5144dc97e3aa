"""A server of this host is found by its socket, and what is written about it is a good target."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainstay.kinds.postgres import KIND
from mainstay.kinds.postgres.discover import discover
from mainstay.kinds.postgres.settings import PostgresSettings
from tests.live import postgres_server


@pytest.mark.skipif(bool(postgres_server.missing()), reason=postgres_server.missing())
def test_a_server_with_a_socket_is_found_with_what_it_needs(tmp_path: Path) -> None:
    with postgres_server.server(tmp_path / "server", settings={"unix_socket_directories": "/tmp"}) as running:
        (found,) = [one for one in discover() if f"port={running.port} " in str(one.settings["dsn"])]
    assert found.settings["dsn"] == f"host=/tmp port={running.port} user=mainstay dbname=postgres"
    assert found.name == f"db-{running.port}"
    assert PostgresSettings(dsn=found.settings["dsn"]).databases == ()
    assert {*found.tasks, *found.weekly} <= {task.name for task in KIND.tasks}
