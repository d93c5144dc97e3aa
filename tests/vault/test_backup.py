"""A backup is seen when it is complete and was read back, and its parts open without Mainstay."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mainstay.kinds.files.store import FilesStore
from mainstay.kinds.sqlite.store import SqliteStore
from mainstay.model.errors import Cancelled, Refused, StepFailed
from mainstay.vault import catalogue
from mainstay.vault import repository as repositories
from mainstay.vault.backup import Order, make
from mainstay.vault.manifest import Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.plain import PlainFolder
from mainstay.vault.repository import Repository, create_repository, open_repository
from mainstay.vault.restore import Request, prove, restore
from mainstay.vault.store import unhurried
from mainstay.vault.verify import verify

Keep = Callable[..., Manifest]


def test_a_backup_is_listed_verified_and_proven(repository: Repository, uploads: Path, keep: Keep) -> None:
    first, second = keep(), keep()
    assert second.previous == first.id
    assert verify(repository, second.id, unhurried()) == ()
    assert prove(repository, second.id, FilesStore(uploads), "run-9", unhurried()).differences == ()
    listed = catalogue.read(repository).entries
    assert [(entry.id, entry.proven is not None) for entry in listed] == [(first.id, False), (second.id, True)]


def test_everything_private_is_private(repository: Repository, keep: Keep) -> None:
    keep()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in repository.root.rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in [repository.root, *repository.root.rglob("*")] if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


def test_a_restore_never_writes_over_anything(repository: Repository, uploads: Path, keep: Keep, tmp_path: Path) -> None:
    made, place = keep(), tmp_path / "live.txt"
    place.write_text("live")
    with pytest.raises(Refused, match=r"never writes over anything.*live\.txt"):
        restore(repository, FilesStore(uploads), Request(made.id, str(place)), unhurried())
    assert place.read_text() == "live"


def test_a_database_is_not_restored_beside_the_log_of_one_that_is_gone(repository: Repository, tmp_path: Path) -> None:
    live, log = tmp_path / "app.db", tmp_path / "app.db-wal"
    with closing(sqlite3.connect(live, isolation_level=None)) as application:
        application.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1)")
        store, id = SqliteStore(live), BackupId("20261121T020000Z.db.run-1")
        make(repository, store, Order(id, "db", "run-1"), unhurried())
        application.executescript("CREATE TABLE other(a); INSERT INTO other VALUES (1)")
        shutil.copy(log, tmp_path / "left")
    live.unlink()
    (tmp_path / "left").rename(log)
    with pytest.raises(Refused, match=r"(?s)has a log of its own.*app\.db-wal.*move it away"):
        restore(repository, store, Request(id, str(live)), unhurried())
    assert not live.exists()
    log.unlink()
    restore(repository, store, Request(id, str(live)), unhurried())
    with closing(sqlite3.connect(live)) as found:
        assert found.execute("SELECT name FROM sqlite_master").fetchall() == [("t",)]
        assert found.execute("PRAGMA journal_mode").fetchone() == ("wal",), "it is used as the original was"


def test_stock_tools_check_and_restore_a_backup(repository: Repository, uploads: Path, keep: Keep, tmp_path: Path) -> None:
    manifest, plain = keep(), tmp_path / "plain"
    folder = repository.folder(manifest.id)
    plain.mkdir()
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, check=True)
    for one in manifest.streams:
        subprocess.run(
            ["zstd", "-q", "-d", str(repository.root / one.object.sha256.path), "-o", str(plain / one.name)], check=True
        )
    (plain / "out").mkdir()
    for tar in sorted(plain.glob("*.tar")):
        subprocess.run(["tar", "-xpf", str(tar)], cwd=plain / "out", check=True)
    (uploads / "pipe").unlink()
    subprocess.run(["diff", "-r", "--no-dereference", str(uploads), str(plain / "out")], check=True)


def test_work_that_is_stopped_half_way_leaves_nothing_behind(repository: Repository, uploads: Path, keep: Keep) -> None:
    kept = keep()

    def stop(chunk: int) -> None:
        if chunk:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        make(repository, FilesStore(uploads), Order(BackupId("20261102T020000Z.uploads.x"), "uploads", "x"), unhurried(stop))
    assert [path.name for path in repository.backups.iterdir()] == [kept.id]
    assert not list(repository.root.glob(".part-*"))


def test_a_backup_that_does_not_read_back_is_never_seen(repository: Repository, uploads: Path) -> None:
    def rot(_: int) -> None:
        """Spoil the last object while the first is read back."""
        for sums in repository.root.glob(".part-*/SHA256SUMS"):
            with max((sums.parent / "objects").iterdir()).open("r+b") as last:
                last.write(b"rotten")

    with pytest.raises(StepFailed, match=r"did not read back.*in-.*\.tar: objects/"):
        make(repository, FilesStore(uploads), Order(BackupId("20261102T020000Z.uploads.x"), "uploads", "x"), unhurried(rot))
    assert list(repository.backups.iterdir()) == []


def test_what_is_being_made_is_no_leftover_and_is_not_swept(repository: Repository) -> None:
    with repository.part("somebody"):
        assert repository.leftovers() == ()
        with pytest.raises(Refused, match="somebody is at work"):
            repository.sweep("somebody")
    (repository.root / ".part-killed").mkdir()
    assert repository.leftovers() == ("killed",)
    repository.sweep("killed")
    assert repository.leftovers() == ()


def test_a_folder_with_other_content_does_not_become_a_repository(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_text("mine")
    with pytest.raises(Refused, match=r"it holds photo\.jpg"):
        create_repository(tmp_path)


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        ('{"version": 3, "id": "x"}', "newer Mainstay"),
        ('{"version": 1, "id": "x"}', "never released"),
        ("[]", "damaged"),
        ("{", "damaged"),
    ],
)
def test_a_label_that_is_not_ours_is_refused(repository: Repository, label: str, reason: str) -> None:
    (repository.root / repositories.LABEL).write_text(label)
    with pytest.raises(Refused, match=reason):
        open_repository(repository.root)


def test_a_full_disk_is_refused_before_the_start_with_needed_and_free_bytes(
    tmp_path: Path, uploads: Path, small_disk: Path
) -> None:
    small, order = create_repository(small_disk / "repo"), Order(BackupId("20261102T020000Z.uploads.x"), "uploads", "x")
    with pytest.raises(StepFailed, match=r"no room for a backup of uploads .*needs 3\d.* MB, .* are free"):
        make(small, FilesStore(uploads), order, unhurried())


def test_a_database_that_does_not_fit_names_the_copy_and_what_it_needs(tmp_path: Path, small_disk: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "app.db", isolation_level=None)) as made:
        made.executescript("CREATE TABLE t(a); INSERT INTO t VALUES (randomblob(30000000))")
    with pytest.raises(StepFailed, match=r"no room for a snapshot of .*app\.db.*needs 4\d.* MB.*free"):
        SqliteStore(tmp_path / "app.db").dump(PlainFolder(small_disk, unhurried()))


def test_a_disk_that_fills_up_half_way_leaves_the_old_backups(tmp_path: Path, uploads: Path, small_disk: Path) -> None:
    small, store = create_repository(small_disk / "repo"), FilesStore(uploads / "2025", ("sparse",))
    old = make(small, store, Order(BackupId("20261102T020000Z.uploads.x"), "uploads", "x"), unhurried())
    filler = small_disk / "filler"

    def fill(chunk: int) -> None:
        if not filler.exists():
            with filler.open("wb") as file:
                file.write(bytes(shutil.disk_usage(small_disk).free - 30_000))

    with pytest.raises(StepFailed, match=r"no space left .*needs .*are free"):
        make(small, store, Order(BackupId("20261103T020000Z.uploads.y"), "uploads", "y"), unhurried(fill))
    assert [path.name for path in small.backups.iterdir()] == [old.id]
    assert not list(small.root.glob(".part-*"))
    assert verify(small, old.id, unhurried()) == ()
