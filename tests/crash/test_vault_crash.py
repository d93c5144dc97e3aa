"""kill -9 at every system call of the vault that changes something: what is seen is sound, and starting again ends well."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainstay.vault import manifest as manifests
from mainstay.vault.repository import open_repository
from tests.crash.vault_crashes import Point, Result, Scene, kills
from tests.crash.vault_steps import SECOND, STEPS, back_up, build

DECISIVE = [("backup", "fsync"), ("backup", "rename"), ("prove", "rename"), ("restore", "renameat2"), ("prune", "unlinkat")]


def assert_all_converged(results: list[Result]) -> None:
    fired = [result for result in results if result.fired]
    print(f"{len(fired)} of {len(results)} kills fired, {sum(bool(result.faults) for result in results)} with faults")
    assert [result for result in results if result.faults] == []
    assert len(fired) > 0.9 * len(results)


def test_the_second_backup_of_the_world_shares_an_object_has_a_delta_and_replaces_one(tmp_path: Path) -> None:
    build(tmp_path)
    back_up(tmp_path)
    id = SECOND["uploads"]
    manifest, _ = manifests.read(open_repository(tmp_path / "repo").folder(id), id)
    kinds = {str(one.name): (one.base is not None, one.object.made == id) for one in manifest.streams}
    assert kinds["in-grown.tar"] == (True, True)
    assert kinds["in-same.tar"] == (False, False)
    assert kinds["in-other.tar"] == (False, True)


@pytest.mark.parametrize(("step", "call"), DECISIVE)
def test_a_kill_at_the_last_decisive_call_leaves_what_is_sound_and_converges(tmp_path: Path, step: str, call: str) -> None:
    scene = Scene(tmp_path, step)
    last: Point = max(point for point in scene.points() if point[0] == call)
    assert scene.attempt(last) == Result(last, fired=True)


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS)
def test_a_kill_at_every_call_and_again_while_going_on_leaves_what_is_sound_and_converges(step: str) -> None:
    assert_all_converged(kills(step))
