"""The digest of a table sees every change of content, and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.sqlite.content import SCHEMA, measure
from mainstay.kinds.sqlite.database import open_database
from mainstay.model.units import Duration

ROWS = [(1, "a"), (2, "b"), (2, "b"), (None, "ü"), (1.5, b"\x00\xff")]


def _made(path: Path, rows: list[Any], *more: str) -> tuple[dict[str, int], dict[str, str]]:
    with closing(sqlite3.connect(path, isolation_level=None)) as made:
        made.execute("CREATE TABLE t(a, b)")
        made.executemany("INSERT INTO t VALUES (?, ?)", rows)
        for statement in more:
            made.execute(statement)
    with open_database(path, Duration(1)) as opened:
        return measure(opened)


def test_the_order_of_rows_and_free_pages_do_not_matter(tmp_path: Path) -> None:
    one = _made(tmp_path / "one.db", ROWS)
    other = _made(tmp_path / "other.db", ROWS[::-1], "INSERT INTO t VALUES (9, zeroblob(90000))", "DELETE FROM t WHERE a = 9")
    assert one == other


CHANGES: dict[str, Callable[[], list[Any]]] = {
    "a row twice in place of another twice": lambda: [ROWS[0], ROWS[0], *ROWS[1:2], *ROWS[3:]],
    "two equal rows exchanged for two other equal rows": lambda: [ROWS[0], (3, "c"), (3, "c"), *ROWS[3:]],
    "a number that became text": lambda: [("1", "a"), *ROWS[1:]],
    "a whole number that became a fraction": lambda: [(1.0, "a"), *ROWS[1:]],
    "text that became bytes": lambda: [(1, b"a"), *ROWS[1:]],
    "null that became empty": lambda: [*ROWS[:3], ("", "ü"), ROWS[4]],
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_seen_although_the_count_is_the_same(tmp_path: Path, what: str) -> None:
    before, after = _made(tmp_path / "one.db", ROWS), _made(tmp_path / "other.db", CHANGES[what]())
    assert before[0] == after[0]
    assert before[1]["t"] != after[1]["t"]
    assert before[1][SCHEMA] == after[1][SCHEMA]


def test_text_that_is_not_utf_8_and_names_with_quotes_are_content_like_any_other(tmp_path: Path) -> None:
    odd = """CREATE TABLE "it's ""odd" AS SELECT CAST(x'ff41' AS TEXT) AS a"""
    counts, digests = _made(tmp_path / "one.db", ROWS, odd)
    assert counts["it's \"odd"] == 1
    assert digests != _made(tmp_path / "other.db", ROWS, odd.replace("ff41", "fe41"))[1]


def test_full_text_indexes_are_compared_by_what_they_store(tmp_path: Path) -> None:
    counts, _ = _made(tmp_path / "one.db", ROWS, "CREATE VIRTUAL TABLE words USING fts5(b)", "INSERT INTO words VALUES ('hello')")
    assert counts["words_content"] == 1
    assert "words" not in counts


def test_a_new_index_changes_the_schema_and_no_table(tmp_path: Path) -> None:
    before, after = _made(tmp_path / "one.db", ROWS), _made(tmp_path / "other.db", ROWS, "CREATE INDEX i ON t(a)")
    assert before[1]["t"] == after[1]["t"]
    assert before[1][SCHEMA] != after[1][SCHEMA]
