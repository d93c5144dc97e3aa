"""`init` finds databases by looking at files, not at names alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from mainstay.kinds.sqlite.discover import discover


def _database(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as made:
        made.execute("CREATE TABLE t(a)")
        made.execute("INSERT INTO t VALUES (randomblob(20000))")
    made.close()


def test_databases_are_found_by_their_header_and_links_are_not_followed(tmp_path: Path) -> None:
    _database(tmp_path / "srv/app/state.sqlite3")
    _database(tmp_path / "srv/other/state.db")
    (tmp_path / "srv/fake.db").write_text("not a database" * 1000)
    (tmp_path / "srv/link.db").symlink_to(tmp_path / "srv/other/state.db")
    _database(tmp_path / "srv/.cache/hidden.db")
    found = discover((tmp_path / "srv", tmp_path / "missing"))
    assert {one.settings["path"] for one in found} == {
        str(tmp_path / "srv/app/state.sqlite3"),
        str(tmp_path / "srv/other/state.db"),
    }
    assert sorted(one.name for one in found) == ["state", "state-2"]
