"""Every mount is looked at: bytes, inodes, growth, and whether it can still be written."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mainstay.kinds.host.facts import Facts
from mainstay.kinds.host.settings import Settings
from mainstay.model.codec import canonical, decode, encode
from tests.kinds.host.conftest import Look, disk_at, told


def _an_hour_ago(facts: Facts) -> Facts:
    return replace(facts, at=facts.at - timedelta(hours=1))


@pytest.mark.covers("HLT-14", "HLT-09")
def test_a_mount_that_df_of_the_root_does_not_show_is_found_full(look: Look, small: Path) -> None:
    (small / "big").write_bytes(bytes(7_600_000))
    root = subprocess.run(["df", "/"], capture_output=True, text=True, check=True).stdout
    assert str(small) not in root
    assert told(look(), str(small)) == ["CRITICAL disk_used 90.6 % > disk_used_critical 90 % (default)"]


@pytest.mark.covers("HLT-14")
def test_a_mount_without_free_inodes_is_found_though_it_has_bytes(look: Look, small: Path) -> None:
    for number in range(190):
        (small / str(number)).touch()
    facts = look()
    assert disk_at(facts, small).used_share < 0.01
    assert told(facts, str(small)) == ["CRITICAL inodes_used 95.5 % > inodes_used_critical 90 % (default)"]


def test_the_time_until_it_is_full_is_not_known_at_first_and_then_comes_from_growth(look: Look, small: Path) -> None:
    first = look()
    assert disk_at(first, small).outlook == "not known yet"
    (small / "grown").write_bytes(bytes(2 << 20))
    second = look(_an_hour_ago(first))
    full_in = disk_at(second, small).full_in
    assert full_in == pytest.approx(3 * 3600, rel=0.01)
    assert told(second, str(small)) == [f"WARNING disk_full_in {full_in} < disk_full_within 1d (default)"]


def test_two_looks_within_seconds_say_nothing_of_growth(look: Look, small: Path) -> None:
    first = look()
    (small / "grown").write_bytes(bytes(2 << 20))
    assert disk_at(look(first), small).growth is None


@pytest.mark.covers("HLT-09")
def test_a_file_system_that_the_kernel_made_read_only_after_an_error_is_critical(look: Look, ext4: Path) -> None:
    assert told(look(), str(ext4)) == []
    device = Path(disk_at(look(), ext4).device).name
    Path(f"/sys/fs/ext4/{device}/trigger_fs_error").write_text("planted\n", encoding="ascii")
    assert told(look(), str(ext4)) == ["CRITICAL mounted read-only != read-write, as mounted"]


@pytest.mark.covers("HLT-09")
def test_a_mount_that_was_writable_before_and_is_not_now_is_critical(look: Look, small: Path) -> None:
    before = look()
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    assert told(look(before), str(small)) == ["CRITICAL mounted read-only != read-write, as at the previous look"]


def test_a_mount_that_has_been_read_only_all_along_is_no_finding(look: Look, small: Path) -> None:
    (small / "big").write_bytes(bytes(7_600_000))
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    assert told(look(look()), str(small)) == []


def test_an_excluded_mount_is_not_looked_at(look: Look, small: Path) -> None:
    (small / "big").write_bytes(bytes(7_600_000))
    facts = look(limits=Settings(exclude=(f"{small.parent}/*",)))
    assert str(small) not in {disk.path for disk in facts.disks}


def test_a_bind_mount_of_the_same_device_is_not_counted_twice(look: Look, small: Path) -> None:
    again = small / "again"
    again.mkdir()
    subprocess.run(["mount", "--bind", small, again], check=True)
    paths = [disk.path for disk in look().disks]
    subprocess.run(["umount", again], check=True)
    assert str(small) in paths
    assert str(again) not in paths


def test_used_is_what_df_says(look: Look) -> None:
    for disk in look().disks:
        row = subprocess.run(["df", "-B1", "--output=size,avail,itotal", disk.path], capture_output=True, text=True, check=True)
        size, free, inodes = (int(part) for part in row.stdout.splitlines()[1].split())
        assert (disk.total, disk.inodes) == (size, inodes)
        assert abs(disk.free - free) < 0.05 * os.statvfs(disk.path).f_bavail * os.statvfs(disk.path).f_frsize + (1 << 20)


def test_facts_come_back_from_json_unchanged(look: Look) -> None:
    facts = look()
    assert decode(Facts, encode(facts)) == facts
    assert canonical(decode(Facts, encode(facts))) == canonical(facts)
