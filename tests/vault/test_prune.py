"""Prune and collect on a real repository: whatever goes, everything that stays can be read to its last byte."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainstay.kinds.files.store import FilesStore
from mainstay.model.errors import Refused
from mainstay.system import clock
from mainstay.vault import approvals, catalogue, holds
from mainstay.vault.approvals import Approval
from mainstay.vault.backup import Order, make
from mainstay.vault.holds import Hold
from mainstay.vault.manifest import Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.prune import collect, drop, sweep
from mainstay.vault.repository import Repository, create_repository
from mainstay.vault.store import unhurried
from mainstay.vault.verify import verify
from tests.vault.conftest import START

Keep = Callable[..., Manifest]


def _changed(folder: Path, change: int) -> None:
    """Change nothing, a little of a large file (which becomes a delta), all of it, or add a file."""
    if change == 1:
        with (folder / "large" / "table").open("r+b") as file:
            file.seek(1000)
            file.write(os.urandom(500))
    elif change == 2:
        (folder / "large" / "table").write_bytes(os.urandom(300_000))
    elif change == 3:
        (folder / "large" / os.urandom(4).hex()).write_bytes(os.urandom(1000))


def _history(root: Path, changes: list[int]) -> Repository:
    folder, previous = root / "live", None
    (folder / "large").mkdir(parents=True)
    (folder / "large" / "table").write_bytes(os.urandom(300_000))
    repository = create_repository(root / "repo")
    for day, change in enumerate(changes):
        _changed(folder, change)
        id = BackupId.of(START + timedelta(days=day), "live", f"run-{day}")
        previous = make(repository, FilesStore(folder), Order(id, "live", f"run-{day}", previous=previous), unhurried()).id
    return repository


@given(changes=st.lists(st.integers(0, 3), min_size=1, max_size=7), gone=st.sets(st.integers(0, 6)))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_delta_ever_loses_its_base(tmp_path_factory: pytest.TempPathFactory, changes: list[int], gone: set[int]) -> None:
    repository = _history(tmp_path_factory.mktemp("prune"), changes)
    ids = [entry.id for entry in catalogue.read(repository).entries]
    for number in sorted(gone & set(range(len(ids)))):
        drop(repository, ids[number])
        drop(repository, ids[number])
    collect(repository)
    left = catalogue.read(repository)
    assert [entry.id for entry in left.entries] == [id for number, id in enumerate(ids) if number not in gone]
    assert [verify(repository, entry.id, unhurried()) for entry in left.entries] == [()] * len(left.entries)
    assert (left.unneeded, left.clutter, left.stored) == (0, (), left.shares.get("live", 0))


def test_bytes_of_its_own_are_what_a_drop_gives_back(repository: Repository, keep: Keep, uploads: Path) -> None:
    keep()
    (uploads / "2025" / "new").write_bytes(os.urandom(70_000))
    keep()
    before = catalogue.read(repository)
    drop(repository, before.entries[1].id)
    assert before.stored - catalogue.read(repository).stored == before.entries[1].own > 0


def test_a_drop_refuses_what_a_person_holds_until_it_is_released(repository: Repository, keep: Keep) -> None:
    id = keep().id
    holds.put(repository, Hold(id, "ann", clock.now(), "an audit"))
    with pytest.raises(Refused, match=r"held by ann since .*: an audit"):
        drop(repository, id)
    holds.release(repository, id)
    drop(repository, id)
    assert catalogue.read(repository).entries == ()


def test_a_hold_that_cannot_be_read_holds(repository: Repository, keep: Keep) -> None:
    id = keep().id
    for content in (b"", b"[]", b'{"id": "x"}', b'{"at": "2026-01-01", "by": "a", "id": "x", "reason": "r"}'):
        repository.hold(id).write_bytes(content)
        with pytest.raises(Refused, match="nobody can tell"):
            drop(repository, id)


def test_a_killed_removal_is_finished_with_all_that_was_known_about_the_backup(repository: Repository, keep: Keep) -> None:
    kept, gone = keep().id, keep().id
    holds.put(repository, Hold(gone, "ann", clock.now(), "over", until=clock.now()))
    repository.hide(gone)
    seen = catalogue.read(repository)
    assert (seen.leftovers, seen.clutter) == ((f"drop-{gone}",), ())
    sweep(repository, f"drop-{gone}")
    seen = catalogue.read(repository)
    assert ([entry.id for entry in seen.entries], seen.leftovers, seen.clutter) == ([kept], (), ())
    assert repository.records() == ()


def test_a_record_without_its_backup_is_clutter(repository: Repository, keep: Keep) -> None:
    id = keep().id
    other = BackupId.of(START, "uploads", "run-9")
    holds.put(repository, Hold(other, "ann", clock.now(), "an audit"))
    (repository.proofs / other).mkdir()
    assert catalogue.read(repository).clutter == (f"holds/{other}.json", f"proofs/{other}")
    assert [entry.id for entry in catalogue.read(repository).entries] == [id]


def test_a_repository_that_was_brought_without_its_empty_folders_is_whole(repository: Repository, keep: Keep) -> None:
    id = keep().id
    for folder in (repository.holds, repository.approvals, repository.drills, repository.proofs):
        folder.rmdir()
    assert [entry.id for entry in catalogue.read(repository).entries] == [id]
    holds.put(repository, Hold(id, "ann", clock.now(), "an audit"))
    approvals.put(
        repository, Approval(id, "run-1", "ann", "administrator", clock.now(), catalogue.read(repository).entries[0].sha256)
    )
    entry = catalogue.read(repository).entries[0]
    assert (entry.hold is not None, [one.by for one in entry.approvals]) == (True, ["ann"])
