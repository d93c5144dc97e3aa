"""A clock that went back: the newest backup lies in the future, which is told, and nothing is removed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mainstay.vault import catalogue
from mainstay.vault.repository import open_repository
from tests.crash.backup_world import build

pytestmark = pytest.mark.skipif(not shutil.which("faketime"), reason="faketime is not here")
COMMAND = str(Path(sys.executable).with_name("mainstay"))


def _back_then(folder: Path, *argv: str) -> str:
    """Call the command three days ago."""
    command = ["faketime", "-f", "-3d", COMMAND, "-c", str(folder / "mainstay.yaml"), *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout


@pytest.mark.covers("BKP-15")
def test_a_clock_that_is_set_back_is_a_finding_and_nothing_is_pruned(tmp_path: Path) -> None:
    build(tmp_path)
    known = {entry.id for entry in catalogue.read(open_repository(tmp_path / "repo")).entries}
    assert "lies in the future" in _back_then(tmp_path, "check", "safe")
    told = _back_then(tmp_path, "run", "safe.prune", "--yes")
    assert {entry.id for entry in catalogue.read(open_repository(tmp_path / "repo")).entries} == known, told
    assert "the clock went back" in _back_then(tmp_path, "plan", "safe.prune")
