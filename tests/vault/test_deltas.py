"""What did not change is not stored again, what changed a little costs little, and a wrong base is never decoded."""

from __future__ import annotations

import os
import random
import subprocess
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.model.errors import StepFailed
from mainstay.vault import coding
from mainstay.vault.backup import Order, make
from mainstay.vault.coding import CodingError, Known, Track
from mainstay.vault.manifest import SEGMENT, Damaged, Manifest, Stream
from mainstay.vault.names import BackupId
from mainstay.vault.objects import Reader
from mainstay.vault.paths import PathStore
from mainstay.vault.repository import create_repository
from mainstay.vault.restore import Request, prove, restore
from mainstay.vault.store import Dump, Sink, Source, Store, Work, unhurried
from mainstay.vault.verify import verify

START = datetime(2026, 11, 1, 2, tzinfo=UTC)


def rows(count: int, changed: int = 0, seed: int = 1) -> bytes:
    """Return lines as COPY writes them; every `changed`-th is another one than without it."""
    chance = random.Random(seed)
    lines = [b"%d\tcustomer %d\t%032x\n" % (n, n % 977, chance.getrandbits(128)) for n in range(count)]
    for n in range(0, count, changed or count + 1):
        lines[n] = b"%d\tcustomer %d\tchanged by %d\n" % (n, n % 977, seed + changed)
    return b"".join(lines)


class Table(PathStore):
    """A store of one file with one stream."""

    kind = "table"

    def __init__(self, path: Path) -> None:
        self.path = path

    def estimate(self) -> int:
        return self.path.stat().st_size

    def dump(self, sink: Sink) -> Dump:
        with self.path.open("rb") as file, sink.stream("rows") as out:
            while chunk := file.read(1 << 20):
                out.write(chunk)
        return self.describe(str(self.path), sink.work)

    def load(self, source: Source, place: str, only: str = "") -> None:
        with source.stream("rows") as file, Path(place).open("xb") as out:
            while chunk := file.read(1 << 20):
                out.write(chunk)

    def describe(self, place: str, work: Work) -> Dump:
        return Dump({"rows": Path(place).read_bytes().count(b"\n")})


class Days:
    """A table that is backed up each day."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = Table(folder / "table")
        self.repository, self.path = create_repository(folder / "repo"), folder / "table"
        self.made: list[Manifest] = []

    def next(self, content: bytes, days: int = 1) -> Stream:
        """Back up another content some days later, and return its stream."""
        self.path.write_bytes(content)
        last = self.made[-1].id if self.made else None
        at = (last.at if last else START) + timedelta(days=days)
        order = Order(BackupId.of(at, "table", f"run-{len(self.made)}"), "table", f"run-{len(self.made)}", previous=last)
        self.made.append(make(self.repository, self.store, order, unhurried()))
        return self.made[-1].streams[0]

    def content(self, number: int = -1) -> bytes:
        """Return what a backup holds."""
        return b"".join(Reader.of(self.repository.root, self.made[number].streams[0]).chunks(unhurried()))


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path)


def test_an_unchanged_stream_is_stored_once(days: Days) -> None:
    first, second = days.next(rows(50_000)), days.next(rows(50_000))
    assert second == first
    assert (days.made[1].added_bytes, len(days.repository.stored())) == (0, 1)
    assert verify(days.repository, days.made[1].id, unhurried()) == ()


@pytest.mark.covers("BKP-09")
def test_scattered_and_appended_changes_cost_a_small_part_of_a_full(days: Days) -> None:
    content = rows(600_000)
    full = days.next(content)
    scattered = days.next(rows(600_000, changed=50))
    appended = days.next(content[:100] + b"inserted early\n" * 20_000 + content[100:] + rows(3_000, seed=9))
    assert full.base is None
    assert full.object.stored_bytes > 10 << 20
    for day in (scattered, appended):
        assert day.base == full.object, "a delta stands on what stands alone"
        assert day.object.stored_bytes < 0.06 * full.object.stored_bytes
    assert days.content(1) == rows(600_000, changed=50)
    assert all(prove(days.repository, one.id, days.store, "p", unhurried()).differences == () for one in days.made)


def test_streams_that_only_lost_their_ends_share_an_empty_file_and_stay_themselves(days: Days) -> None:
    content = rows(600_000)
    days.next(content)
    shorter = [content[: 20 << 20], content[: 18 << 20]]
    assert [days.next(one).object.stored_bytes for one in shorter] == [0, 0]
    assert [days.content(1), days.content(2)] == shorter


def test_a_stream_of_the_same_length_whose_parts_lie_elsewhere_in_its_base_is_another_one(days: Days) -> None:
    content = random.Random(1).randbytes(2 * SEGMENT)
    moved = content[1 << 20 : (1 << 20) + SEGMENT] + content[SEGMENT:]
    full, other = days.next(content), days.next(moved)
    assert (other.object.stored_bytes, other.base) == (0, full.object)
    assert days.content() == moved


def test_what_is_all_new_becomes_a_base_of_its_own(days: Days) -> None:
    days.next(rows(50_000))
    other = days.next(rows(50_000, seed=2))
    assert other.base is None
    assert days.next(rows(50_000, changed=100, seed=2)).base == other.object


def test_a_base_is_renewed_when_deltas_have_grown_and_when_it_is_old(days: Days) -> None:
    days.next(rows(100_000))
    assert days.next(rows(100_000, changed=3)).base is not None
    grown = days.next(rows(100_000, changed=3, seed=1))
    assert (grown.base, grown.object.made) == (None, days.made[-1].id)
    assert days.next(rows(100_000, changed=90), days=36).base is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3_000_000), st.binary(max_size=40)), max_size=6), st.integers(0, 2_000_000))
def test_whatever_changed_comes_back_to_the_byte(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, bytes]], cut: int
) -> None:
    days, content = Days(tmp_path_factory.mktemp("days")), rows(60_000)
    days.next(content)
    for at, new in edits:
        content = content[:at] + new + content[at + len(new) // 2 :]
    days.next(content[cut:])
    assert days.content() == content[cut:]


def test_rows_that_moved_far_are_found_again() -> None:
    base, at = rows(900_000), 3 * SEGMENT // 2
    track, moved = Track(), base[:at] + rows(120_000, seed=5) + base[at:]
    sizes = []
    for start in range(0, len(moved), SEGMENT):
        begin, length = track.window(len(base))
        piece, window = moved[start : start + SEGMENT], base[begin : begin + length]
        track.follow(piece, window, begin)
        sizes.append(coding.against(piece, Known.of(window, begin))[0].stored)
    assert sizes[-1] < 10_000, "the last rows are where they are expected by then"


def test_a_wrong_base_is_an_error_that_names_both(days: Days) -> None:
    first, second = days.next(rows(300_000)), days.next(rows(300_000, changed=70))
    base = days.repository.root / first.object.sha256.path
    content = bytearray(base.read_bytes())
    content[len(content) // 2] ^= 1
    base.write_bytes(content)
    (found,) = verify(days.repository, days.made[1].id, unhurried())
    assert first.object.sha256.path in found
    assert "its SHA-256 is not the one in its name" in found
    with pytest.raises(Damaged, match=first.object.sha256.path):
        restore(days.repository, days.store, Request(days.made[1].id, "copy"), unhurried())
    wrong = Reader(days.repository.root, second.object, Reader(days.repository.root, second.object))
    with pytest.raises(Damaged):
        b"".join(wrong.chunks(unhurried()))


def _given(window: bytes, _at: int, _size: int) -> bytes:
    return window


def test_a_frame_with_a_wrong_window_does_not_decode() -> None:
    raw, window = rows(100_000, changed=50), rows(100_000)
    segment, frame = coding.against(raw, Known.of(window, 0))
    assert segment.stored < len(raw) // 16
    assert coding.decode(segment, [frame], lambda at, size: window[at : at + size]) == raw
    for wrong in (bytes(len(window)), window[1:] + b"x", window[:-1] + b"x"):
        with pytest.raises(CodingError):
            coding.decode(segment, [frame], partial(_given, wrong))


def accounts(changed: int = 0) -> bytes:
    """Return rows as pgbench's accounts have them; each of the `changed` ones has a new balance, and lies at another place."""
    chance, balances = random.Random(changed), dict.fromkeys(range(300_000), 0)
    for number in chance.sample(range(300_000), changed):
        del balances[number]
        balances[number] = chance.randrange(10**6)
    return "".join(f"{number}\t1\t{balance}\t{'':84}\n" for number, balance in balances.items()).encode()


def test_rows_that_are_much_alike_are_stored_alone_and_need_no_base(days: Days) -> None:
    days.next(accounts(changed=300_000))
    second = days.next(accounts(changed=299_000))
    assert second.base is None
    assert second.object.stored_bytes < second.object.raw_bytes // 10
    assert days.content() == accounts(changed=299_000)


def test_windows_that_move_on_and_back_are_the_bytes_of_the_base(days: Days) -> None:
    content = rows(900_000)
    reader = Reader.of(days.repository.root, days.next(content))
    for start, length in ((0, 1000), (SEGMENT - 10, SEGMENT + 20), (2 * SEGMENT, 1000), (5, 10), (len(content) - 7, 7)):
        assert reader.window(start, length) == content[start : start + length]
    with pytest.raises(Damaged, match="it ends before"):
        reader.window(len(content) - 7, 8)
    reader.close()


@pytest.mark.parametrize("day", [0, 1])
def test_a_frame_that_does_not_come_back_is_no_backup(days: Days, monkeypatch: pytest.MonkeyPatch, day: int) -> None:
    for number in range(day):
        days.next(rows(50_000, changed=number or 1000))
    module: Any = vars(coding)["zstd"]
    good = module.compress
    monkeypatch.setattr(module, "compress", lambda raw, **more: good(bytes([raw[0] ^ 1]) + bytes(raw[1:]), **more))
    with pytest.raises(StepFailed, match=r"(?s)a segment does not come back from its frame.*check the memory"):
        days.next(rows(50_000, changed=7))
    assert len(list(days.repository.backups.iterdir())) == day


def test_a_damaged_base_is_no_reason_to_have_no_backup(days: Days) -> None:
    first = days.next(rows(50_000))
    os.truncate(days.repository.root / first.object.sha256.path, 1000)
    second = days.next(rows(50_000, changed=100))
    assert second.base is None
    assert "stored whole, since its base objects/" in days.made[1].notes[0]
    assert prove(days.repository, days.made[1].id, days.store, "p", unhurried()).differences == ()


def test_stock_zstd_decodes_a_delta(days: Days, tmp_path: Path) -> None:
    first, second = days.next(rows(200_000)), days.next(rows(200_000, changed=50))
    root, segment, window = days.repository.root, second.object.segments[0], tmp_path / "window"
    subprocess.run(["zstd", "-dq", root / first.object.sha256.path, "-o", tmp_path / "base"], check=True)
    window.write_bytes((tmp_path / "base").read_bytes()[segment.base_at : segment.base_at + segment.base])
    decode = ["zstd", "-dq", "--memory=2048MB", f"--patch-from={window}", str(root / second.object.sha256.path)]
    subprocess.run([*decode, "-o", str(tmp_path / "out")], check=True)
    assert (tmp_path / "out").read_bytes() == rows(200_000, changed=50)[: segment.raw]
