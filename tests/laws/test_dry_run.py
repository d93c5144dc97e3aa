"""Every task of every kind can be tried without doing anything: `mainstay plan`, by the engine, against the same real targets."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainstay.app import App
from mainstay.model.task import Routine, Site, Task
from tests.laws.every import KINDS, SCENES, Builder
from tests.laws.scene import Scene
from tests.laws.test_live_laws import Make, held, make

__all__ = ["make"]


def site(scene: Scene, state: Path) -> App:
    """Return the site that has a scene's targets, and remembers in a folder of its own."""
    targets = {target.name: target for target in (scene.target, *scene.others)}
    return App(Site("law", "UTC", targets, {one.name: one for one in scene.routines}, {}, state))


def tasks(scene: Scene) -> tuple[Task, ...]:
    """Return the task of a scene, and those of its kind that only look."""
    kind, target = next(one for one in KINDS if one.name == scene.target.kind), scene.target
    looking = [task for task in kind.tasks if not task.actions and task.name != scene.task and not task.waits]
    asked = Task(f"{target.name}.{scene.task}", target, scene.task, scene.params)
    return (asked, *(Task(f"{target.name}.{task.name}", target, task.name, task.params()) for task in looking))


@pytest.mark.covers("AUT-08")
@pytest.mark.parametrize("build", SCENES)
def test_a_dry_run_tells_what_would_be_done_and_changes_nothing(build: Builder, make: Make, tmp_path: Path) -> None:
    scene, folder = make(build)
    app = site(scene, tmp_path / "state")
    before = held(scene, folder, times=True)
    asked, *looked = app.forecast(Routine("law", tasks(scene))).tasks
    assert held(scene, folder, times=True) == before
    assert asked.plan is not None, asked.because
    assert asked.plan.steps, [str(skip.because) for skip in asked.plan.skips]
    assert all(one.plan is not None or one.because for one in looked)  # a scene may have nothing that they could look at
    assert list(app.journal.events()) == []  # no run was begun
