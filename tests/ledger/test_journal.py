"""The journal keeps what it was told, shows every edit, and saves what a damaged file still proves."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

from mainstay.ledger import database, repair
from mainstay.ledger.journal import Broken, Fenced, Journal
from mainstay.model.errors import Refused, StepFailed


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state")


def fill(journal: Journal, count: int) -> None:
    for number in range(count):
        journal.append("test.event", {"number": number, "text": "x" * 500}, run="r", task="t")


def test_events_come_back_in_order_with_their_bodies(journal: Journal) -> None:
    fill(journal, 3)
    assert [event.body["number"] for event in journal.events(run="r")] == [0, 1, 2]


def test_the_state_folder_is_for_its_owner_only(journal: Journal) -> None:
    assert oct(journal.path.parent.stat().st_mode)[-3:] == "700"
    assert oct(journal.path.stat().st_mode)[-3:] == "600"


@pytest.mark.covers("RPT-06")
@pytest.mark.parametrize("column", ["body", "at", "kind", "run", "task"])
def test_an_edit_of_any_column_is_found_and_named(journal: Journal, column: str) -> None:
    fill(journal, 5)
    with sqlite3.connect(journal.path) as other:
        other.execute("DROP TRIGGER event_keep_row")
        other.execute(f"UPDATE event SET {column} = '{{}}' WHERE seq = 3")
    with pytest.raises(Broken, match="event 3"):
        journal.verify()


def test_a_removed_event_is_found(journal: Journal) -> None:
    fill(journal, 5)
    with sqlite3.connect(journal.path) as other:
        other.execute("DROP TRIGGER event_keep_all")
        other.execute("DELETE FROM event WHERE seq = 2")
    with pytest.raises(Broken):
        journal.verify()


def test_rows_cannot_be_updated_or_deleted(journal: Journal) -> None:
    fill(journal, 1)
    with sqlite3.connect(journal.path) as other:
        for statement in ("UPDATE event SET body = '{}'", "DELETE FROM event"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(statement)


def test_a_rewritten_journal_is_not_the_one_of_an_older_head(journal: Journal, tmp_path: Path) -> None:
    fill(journal, 3)
    head = journal.head()
    fill(journal, 1)
    assert journal.verify(against=head) == 4
    rewritten = Journal(tmp_path / "other")
    fill(rewritten, 4)
    with pytest.raises(Broken, match="not the one of that head"):
        rewritten.verify(against=head)


def test_a_stale_owner_can_write_no_more(journal: Journal) -> None:
    first = journal.append("run.adopted", {}, run="r").seq
    second = journal.append("run.adopted", {}, run="r").seq
    with pytest.raises(Fenced, match="no longer owns"):
        journal.append("step.started", {}, run="r", fence=first)
    journal.append("step.started", {}, run="r", fence=second)


def test_an_occurrence_is_claimed_once(journal: Journal) -> None:
    journal.append("occurrence.claimed", {"occurrence": "weekly@2026-11-22T02:00:00Z"}, run="a")
    with pytest.raises(Refused, match="claimed before"):
        journal.append("occurrence.claimed", {"occurrence": "weekly@2026-11-22T02:00:00Z"}, run="b")


def test_a_newer_schema_is_refused(journal: Journal) -> None:
    with sqlite3.connect(journal.path) as other:
        other.execute("PRAGMA user_version = 99")
    with pytest.raises(Refused, match="newer Mainstay"):
        Journal(journal.path.parent)


def test_a_torn_file_says_so_and_repair_saves_its_beginning(journal: Journal) -> None:
    fill(journal, 400)
    journal.close()
    os.truncate(journal.path, journal.path.stat().st_size // 2)
    with pytest.raises(database.Torn, match="mainstay ledger repair"):
        Journal(journal.path.parent).verify()
    saved = repair.repair(journal.path.parent)
    again = Journal(journal.path.parent)
    assert 0 < saved.events < 400
    assert again.verify() == saved.events + 1
    assert saved.damaged.exists()


def test_flipped_bytes_are_found_and_repair_keeps_what_the_chain_proves(journal: Journal) -> None:
    fill(journal, 400)
    journal.close()
    content = bytearray(journal.path.read_bytes())
    place = content.index(b'"number":200')
    content[place + 10 : place + 13] = b"999"
    journal.path.write_bytes(content)
    assert repair.repair(journal.path.parent).events == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_a_full_disk_names_the_file_and_the_bytes_and_loses_nothing(tmp_path: Path) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", tmp_path], check=True)
    try:
        journal = Journal(tmp_path / "state")
        with pytest.raises(StepFailed, match=r"journal\.db.*needs about .*free") as failure:
            fill(journal, 2000)
        assert "resume" in failure.value.next
        kept = len(list(journal.events()))
        assert kept > 10
        assert journal.verify() == kept
        journal.close()
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_file_name_that_is_no_utf8_is_written_and_read_back(journal: Journal) -> None:
    name = os.fsdecode(b"caf\xe9 \x00\x1b[31m \xff")
    journal.append("test.event", {"name": name}, run="r")
    assert [event.body["name"] for event in journal.events(run="r")] == [name]
    assert journal.verify() == 1
