"""A disk that is full in the middle of a run, a rotation or a backup."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.shop import Shop
from tests.live.full_disk import PAGE, disk, fill, in_a_backup, in_a_rotation, in_a_run, in_the_vault

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")


@pytest.mark.parametrize("pages", [0, 8, 16, 28])
def test_a_run_stops_with_its_journal_whole_and_goes_on_when_there_is_room(tmp_path: Path, pages: int) -> None:
    full, converged = in_a_run(tmp_path, pages * PAGE)
    assert full.explained, full
    assert full.intact
    assert converged


@pytest.mark.parametrize("what", ["rotate", "compress", "cut"])
def test_a_rotation_loses_no_line_and_names_what_is_missing(tmp_path: Path, what: str) -> None:
    outcome = in_a_rotation(tmp_path, what)
    assert outcome.explained, outcome
    assert outcome.intact


@pytest.mark.parametrize("beat", [0, 1, 4])
def test_a_backup_leaves_the_one_before_and_nothing_half_made(tmp_path: Path, beat: int) -> None:
    outcome = in_a_backup(tmp_path, beat)
    assert outcome.explained, outcome
    assert outcome.intact


@pytest.mark.parametrize(
    ("act", "beat", "leave"),
    [
        ("backup", 1, None),
        ("backup", 6, None),
        ("backup", 1, 0),
        ("backup", 5, 0),
        ("prove", 2, None),
        ("prove", 1, 0),
        ("prove", 2, 1),
        ("restore", 3, None),
        ("restore", 1, 0),
    ],
)
def test_neither_bytes_nor_inodes_that_run_out_at_any_stage_of_the_vault_leave_anything_behind(
    tmp_path: Path, act: str, beat: int, leave: int | None
) -> None:
    outcome = in_the_vault(tmp_path, act, beat, leave)
    assert outcome.explained, outcome
    assert outcome.intact


def test_how_things_stand_can_be_read_while_the_disk_is_full(tmp_path: Path) -> None:
    shop = Shop.built(tmp_path / "shop")
    with disk(tmp_path / "disk", "size=2m") as full:
        (shop.folder / "state").symlink_to(full)
        full.chmod(0o700)
        shop.run("emergency", "open", "--severity", "S2", "--reason", "the disk fills")
        fill(full)
        assert "the disk fills" in shop.run("status")
        shop.run("emergency", "show", "last")
        shop.run("check", code=2)
        assert "there is no room to work in" in shop.run("serve", "--for", "0s", code=3)
        refused = shop.run("emergency", "note", "last", "no room", code=1)
        assert "needs about" in refused
        assert "0 B and" in refused
        (full / "ballast").unlink()
        shop.run("emergency", "note", "last", "there is room")
        shop.run("ledger", "verify")
