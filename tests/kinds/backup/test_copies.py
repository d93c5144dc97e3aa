"""The tasks of copies, each with its proof, on another disk and through the signature of every backup."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds import registry
from mainstay.kinds.backup.settings import CopySettings
from mainstay.kinds.kind import Session
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration
from mainstay.system.process import Door
from mainstay.vault.copies import keys as pairs
from mainstay.vault.copies.remotes import DiskSettings
from mainstay.vault.retention import Policy
from tests.kinds.backup.conftest import Perform

Open = Callable[..., Session]
ONE = Policy(last=1, daily=0, weekly=0, monthly=0, yearly=0, min_age=Duration(0))


@pytest.fixture
def copied(session: Open, tmp_path: Path) -> Open:
    """Return a function that opens a session with keys and a remote on another disk."""
    pairs.generate(tmp_path / "keys", tmp_path / "escrow.txt", "demo", Door())
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / ".mainstay-remote").touch()
    second = CopySettings(DiskSettings(tmp_path / "disk"), keep=ONE)

    def opened(**more: Any) -> Session:
        return session(**{"keys": tmp_path / "keys", "copies": {"second": second}, **more})

    return opened


def _findings(session: Session) -> list[str]:
    check = registry.load("backup").task("check")
    return [f"{found.level.name} {found.on}: {found.because}" for found in check.assess(check.observe(session), check.params())]


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.covers("BKP-13", "BKP-30")
def test_check_shows_how_old_the_proven_copy_is_and_warns_until_the_key_was_tried(
    copied: Open, perform: Perform, tmp_path: Path
) -> None:
    for task in ("backup", "prove", "copy", "verify_copies"):
        perform(copied(), task)
    told = _findings(copied())
    assert sum("OK second" in one and "age of the newest copy of a proven backup" in one for one in told) == 2
    assert "WARNING keys: copies opened with the escrowed key: 0" in told
    perform(copied(), "drill_keys", escrow=tmp_path / "escrow.txt")
    assert [one for one in _findings(copied()) if not one.startswith("OK")] == []


def test_a_lost_host_is_rebuilt_from_the_remote_and_the_escrow_text(copied: Open, perform: Perform, tmp_path: Path) -> None:
    for task in ("backup", "prove", "copy"):
        perform(copied(), task)
    for name in ("repo", "keys"):
        shutil.rmtree(tmp_path / name)
    for target in ("db", "uploads"):
        done = perform(copied(), "fetch", remote="second", target=target, key=tmp_path / "escrow.txt")
        assert done[0].startswith("fetch second: newest copy")
    told = perform(copied(), "prove")
    assert len([one for one in told if one.startswith("prove")]) == 2
    perform(copied(), "restore", target="uploads", into=str(tmp_path / "again"))
    assert (tmp_path / "again" / "2026" / "a.txt").read_text() == "a"


def test_a_copy_that_was_altered_is_named_by_verify_and_by_check(copied: Open, perform: Perform, tmp_path: Path) -> None:
    for task in ("backup", "prove", "copy"):
        perform(copied(), task)
    altered = next((tmp_path / "disk" / "objects").rglob("*.gpg"))
    _flip(altered)
    with pytest.raises(StepFailed, match=altered.name):
        perform(copied(), "verify_copies")
    assert any(one.startswith("CRITICAL second") and altered.name in one for one in _findings(copied()))


def test_copies_are_pruned_by_the_retention_of_their_remote(copied: Open, perform: Perform, tmp_path: Path) -> None:
    for number in range(2):
        (tmp_path / "uploads" / "new").write_text(str(number))
        for task in ("backup", "prove", "copy"):
            perform(copied(of=("uploads",)), task)
    told = perform(copied(of=("uploads",)), "prune_copies")
    assert [one.split(":")[0] for one in told] == ["skip second", "drop second"]
    assert len(list((tmp_path / "disk" / "backups").iterdir())) == 1
    assert perform(copied(of=("uploads",)), "copy")[0].startswith("skip second: no rule of keep wants it")


@pytest.mark.covers("BKP-20")
@pytest.mark.parametrize("name", ["manifest.json", "manifest.json.asc"])
def test_a_flipped_bit_in_a_signed_manifest_or_its_signature_is_found(
    copied: Open, perform: Perform, tmp_path: Path, name: str
) -> None:
    perform(copied(of=("uploads",)), "backup")
    perform(copied(of=("uploads",)), "verify")
    backup = next((tmp_path / "repo" / "backups").iterdir())
    _flip(backup / name)
    if name == "manifest.json":
        assert any("CRITICAL" in one and name in one for one in _findings(copied(of=("uploads",))))
        return
    with pytest.raises(StepFailed, match=r"manifest\.json\.asc: the signature is not right"):
        perform(copied(of=("uploads",)), "verify")


def test_a_signature_that_was_taken_away_is_missed(copied: Open, perform: Perform, tmp_path: Path) -> None:
    perform(copied(of=("uploads",)), "backup")
    next((tmp_path / "repo" / "backups").iterdir()).joinpath("manifest.json.asc").unlink()
    with pytest.raises(StepFailed, match="the backup is not signed"):
        perform(copied(of=("uploads",)), "verify")


@pytest.mark.covers("BKP-27")
def test_all_that_is_kept_is_closed_to_others(copied: Open, perform: Perform, tmp_path: Path) -> None:
    for task in ("backup", "prove", "copy"):
        perform(copied(), task)
    for folder in ("repo", "keys", "disk/backups", "disk/objects"):
        for path in (tmp_path / folder, *(tmp_path / folder).rglob("*")):
            assert path.stat().st_mode & 0o077 == 0, path
    assert (tmp_path / "escrow.txt").stat().st_mode & 0o077 == 0
    (tmp_path / "keys").chmod(0o755)
    assert "WARNING keys: others can read the keys" in _findings(copied())
