"""The fault matrix of stored backups: whatever happens to an object of any class, or to the repository in the middle of the work,
is found, and the message names the object.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pytest

from mainstay.kinds.files.store import FilesStore
from mainstay.model.errors import Refused, StepFailed, Unreachable
from mainstay.vault import catalogue
from mainstay.vault.backup import Order, make
from mainstay.vault.manifest import Damaged, Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.prune import drop
from mainstay.vault.repository import Repository, create_repository, open_repository
from mainstay.vault.restore import Request, prove, restore
from mainstay.vault.store import Dump, Sink, unhurried
from mainstay.vault.verify import verify

CLASSES = {"plain": "in-kept.tar", "delta": "in-changed.tar", "base": "in-changed.tar", "small": "in-small.tar"}
OFFSETS = 50
FIRST, SECOND, THIRD = (BackupId(f"2026112{day}T020000Z.uploads.run-{day}") for day in (0, 1, 2))


@dataclass(frozen=True)
class Kept:
    """A repository whose second backup has an object of each class."""

    repository: Repository
    store: FilesStore
    manifest: Manifest

    def path(self, what: str) -> Path:
        """Return the file of an object of that class."""
        stream = next(one for one in self.manifest.streams if one.name == CLASSES[what])
        assert (stream.base is not None) == (what in ("delta", "base"))
        chosen = stream.base if what == "base" and stream.base else stream.object
        return self.repository.root / chosen.sha256.path

    def told(self, what: str) -> str:
        """Return how a message about that object begins."""
        return f"{CLASSES[what]}: {self.path(what).relative_to(self.repository.root)}: "

    def verified(self) -> tuple[str, ...]:
        return verify(self.repository, SECOND, unhurried())


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    folder, chance = tmp_path / "uploads", random.Random(1)
    for name, size in (("kept", 100_000), ("changed", 200_000), ("small", 3_000)):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_bytes(chance.randbytes(size))
    repository, store = create_repository(tmp_path / "repo"), FilesStore(folder)
    make(repository, store, Order(FIRST, "uploads", "run-0"), unhurried())
    with (folder / "changed" / "file").open("r+b") as file:
        for at in range(0, 200_000, 500):
            file.seek(at)
            file.write(chance.randbytes(20))
    (folder / "small" / "file").write_bytes(chance.randbytes(3_000))
    return Kept(repository, store, make(repository, store, Order(SECOND, "uploads", "run-1", previous=FIRST), unhurried()))


def spread(length: int) -> list[int]:
    """Return fifty offsets from the first byte to the last."""
    return [length * step // OFFSETS for step in range(OFFSETS)]


@pytest.mark.parametrize("what", CLASSES)
def test_an_object_cut_short_at_any_of_fifty_offsets_is_found_and_named(kept: Kept, what: str) -> None:
    path = kept.path(what)
    content, found = path.read_bytes(), 0
    for at in spread(len(content)):
        path.write_bytes(content[:at])
        found += [text.startswith(kept.told(what)) for text in kept.verified()] == [True]
        assert catalogue.read(kept.repository).entries[1].missing == (str(path.relative_to(kept.repository.root)),)
    print(f"{found} of {OFFSETS} truncations of a {what} object found")
    assert found == OFFSETS


@pytest.mark.parametrize("what", CLASSES)
def test_a_flipped_bit_at_any_of_fifty_offsets_is_found_and_named(kept: Kept, what: str) -> None:
    path = kept.path(what)
    content, found = path.read_bytes(), 0
    for number, at in enumerate(spread(len(content))):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << number % 8]) + content[at + 1 :])
        found += [text.startswith(kept.told(what)) for text in kept.verified()] == [True]
    print(f"{found} of {OFFSETS} flipped bits in a {what} object found")
    assert found == OFFSETS


@pytest.mark.parametrize("what", CLASSES)
def test_a_missing_object_is_named_and_nothing_is_restored(kept: Kept, what: str, tmp_path: Path) -> None:
    kept.path(what).unlink()
    assert [text.startswith(kept.told(what)) for text in kept.verified()] == [True]
    with pytest.raises(Damaged, match=str(kept.path(what).name)):
        restore(kept.repository, kept.store, Request(SECOND, str(tmp_path / "copy")), unhurried())
    assert not (tmp_path / "copy").exists()
    assert kept.path(what).name in prove(kept.repository, SECOND, kept.store, "p", unhurried()).differences[0]


class Killed(FilesStore):
    """A folder whose dump ends in the middle, as when the program that makes it is killed."""

    def dump(self, sink: Sink) -> Dump:
        with sink.stream("in-changed.tar") as out:
            self._half(out)
        raise AssertionError("it went on")

    def _half(self, out: BinaryIO) -> None:
        out.write((self.path / "changed" / "file").read_bytes()[:100_000])
        raise StepFailed("pg_dump failed", on="database app", because="killed by signal 9")


def test_a_dump_that_is_killed_half_way_makes_no_backup(kept: Kept) -> None:
    with pytest.raises(StepFailed, match=r"pg_dump failed.*database app.*signal 9"):
        make(kept.repository, Killed(kept.store.path), Order(THIRD, "uploads", "run-2", previous=SECOND), unhurried())
    assert_as_before(kept.repository)


def assert_as_before(repository: Repository) -> None:
    """Require both backups to be whole, and nothing beside them."""
    seen = catalogue.read(repository)
    assert [entry.id for entry in seen.entries] == [FIRST, SECOND]
    assert (seen.damaged, seen.clutter, seen.unneeded) == ((), (), 0)
    assert [verify(repository, id, unhurried()) for id in (FIRST, SECOND)] == [(), ()]


def at_beat(number: int, act: Callable[[], object]) -> Callable[[int], None]:
    """Return a check that acts once, at its n-th call."""
    beats = iter(range(1, 1_000_000))

    def check(_: int) -> None:
        if next(beats) == number:
            act()

    return check


@pytest.mark.parametrize("beat", [1, 4, 8, 12, 16])
def test_a_repository_that_is_moved_away_in_the_middle_is_named_and_keeps_what_it_had(kept: Kept, beat: int) -> None:
    root, elsewhere = kept.repository.root, kept.repository.root.with_name("elsewhere")
    (kept.store.path / "changed" / "file").write_bytes(os.urandom(300_000))
    work = unhurried(at_beat(beat, lambda: root.rename(elsewhere)))
    with pytest.raises(Unreachable, match=str(root)):
        make(kept.repository, kept.store, Order(THIRD, "uploads", "run-2", previous=SECOND), work)
    assert not root.exists(), "nothing is made where the repository was"
    moved = open_repository(elsewhere)
    for name in moved.leftovers():
        moved.sweep(name)
    assert_as_before(moved)


@pytest.fixture
def mounted(kept: Kept, tmp_path: Path) -> Iterator[Repository]:
    """Return the repository on a disk of its own, which a mount namespace of nobody else sees."""
    if os.geteuid():
        pytest.skip("only root may mount")
    disk, place = tmp_path / "disk", tmp_path / "mounted"
    for folder in (disk, place):
        folder.mkdir()
    shutil.copytree(kept.repository.root, disk / "repo")
    subprocess.run(["mount", "--bind", disk, place], check=True)
    yield open_repository(place / "repo")
    subprocess.run(["umount", "-l", place], check=False, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("beat", [1, 8, 16])
def test_a_disk_that_is_unmounted_in_the_middle_is_named_and_nothing_is_written_below_it(
    kept: Kept, mounted: Repository, tmp_path: Path, beat: int
) -> None:
    (kept.store.path / "changed" / "file").write_bytes(os.urandom(300_000))
    gone = ["umount", "-l", str(tmp_path / "mounted")]
    work = unhurried(at_beat(beat, lambda: subprocess.run(gone, check=True)))
    with pytest.raises(Unreachable, match=str(mounted.root)):
        make(mounted, kept.store, Order(THIRD, "uploads", "run-2", previous=SECOND), work)
    assert not list((tmp_path / "mounted").iterdir())
    whole = open_repository(tmp_path / "disk" / "repo")
    for name in whole.leftovers():
        whole.sweep(name)
    assert_as_before(whole)


def test_two_backups_of_one_name_at_once_are_one_and_a_refusal_that_names_it(kept: Kept) -> None:
    told: list[str] = []

    def second() -> None:
        try:
            make(kept.repository, kept.store, Order(THIRD, "uploads", "run-2", previous=SECOND), unhurried())
        except Refused as error:
            told.append(str(error))

    def beside() -> None:
        other = threading.Thread(target=second)
        other.start()
        other.join()

    make(kept.repository, kept.store, Order(THIRD, "uploads", "run-2", previous=SECOND), unhurried(at_beat(3, beside)))
    assert [THIRD in text and "somebody is at work" in text for text in told] == [True]
    assert verify(kept.repository, THIRD, unhurried()) == ()


@pytest.mark.parametrize("beat", [2, 9, 15])
def test_two_backups_at_once_that_store_the_same_objects_are_both_whole(kept: Kept, beat: int) -> None:
    (kept.store.path / "changed" / "file").write_bytes(os.urandom(300_000))
    other = BackupId("20261122T020000Z.uploads.other")

    def beside() -> None:
        make(kept.repository, kept.store, Order(other, "uploads", "other", previous=SECOND), unhurried())

    make(kept.repository, kept.store, Order(THIRD, "uploads", "run-2", previous=SECOND), unhurried(at_beat(beat, beside)))
    assert [verify(kept.repository, id, unhurried()) for id in (FIRST, SECOND, THIRD, other)] == [()] * 4
    assert catalogue.read(kept.repository).unneeded == 0


def test_a_repository_that_is_gone_during_a_proof_disproves_nothing(kept: Kept) -> None:
    root, elsewhere = kept.repository.root, kept.repository.root.with_name("elsewhere")
    with pytest.raises(Unreachable, match=str(root)):
        prove(kept.repository, SECOND, kept.store, "p", unhurried(at_beat(2, lambda: root.rename(elsewhere))))
    assert [entry.differences for entry in catalogue.read(open_repository(elsewhere)).entries] == [(), ()]
    with pytest.raises(Unreachable, match=str(root)):
        drop(kept.repository, FIRST)
    with pytest.raises(Unreachable, match=str(root)):
        verify(kept.repository, SECOND, unhurried())
