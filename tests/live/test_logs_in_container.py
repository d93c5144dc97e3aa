"""A log written by the main process of a container: the signal goes through the container's door, and only if it is handled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstay.kinds.kind import Session
from mainstay.kinds.logs import KIND
from mainstay.kinds.logs.facts import Facts
from mainstay.kinds.logs.settings import Reopen, Settings
from mainstay.model.plan import Skip, Step
from mainstay.model.setting import Place
from mainstay.model.target import Target
from mainstay.system.clock import Deadline
from mainstay.system.process import Door
from tests.live import docker_engine

pytestmark = pytest.mark.skipif(bool(docker_engine.missing()), reason=f"needs {docker_engine.missing()}")
WRITER = """
trap 'exec >>/logs/app.log' USR1
exec >>/logs/app.log
number=0
while [ ! -e /logs/stop ]; do printf '%s\\n' $number; number=$((number+1)); sleep 0.001; done
sleep 60
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the folder that a container logs to."""
    logs = tmp_path_factory.mktemp("logs")
    with docker_engine.engine(tmp_path_factory.mktemp("docker")) as host, pytest.MonkeyPatch.context() as environment:
        environment.setenv("DOCKER_HOST", host)
        docker_engine.image(host)
        with docker_engine.container(host, "api", "-v", f"{logs}:/logs", run=("sh", "-c", WRITER)):
            while not (logs / "app.log").exists():
                time.sleep(0.05)
            yield logs


def session(folder: Path, reopen: Reopen) -> Session:
    place = Place("api")
    return Session(Target("logs", "logs", Settings((f"{folder}/*.log",), rivals=(), reopen=reopen), place), Door(place))


def planned(opened: Session) -> tuple[Facts, list[Step | Skip]]:
    kind = KIND.task("rotate")
    facts = kind.observe(opened)
    return facts, kind.plan(facts, kind.params(), "run-1.logs")


@pytest.mark.covers("LOG-03")
def test_a_main_process_without_a_handler_is_left_alone(folder: Path) -> None:
    _, plan = planned(session(folder, Reopen(signal="USR2", pid=1)))
    assert [type(item) for item in plan] == [Skip]
    assert "pid 1 on container api has no handler for USR2" in str(plan[0].because)


@pytest.mark.covers("LOG-02", "LOG-03", "LOG-04")
def test_a_main_process_that_handles_the_signal_reopens_and_no_line_is_lost(folder: Path) -> None:
    opened, kind = session(folder, Reopen(signal="USR1", pid=1)), KIND.task("rotate")
    facts, plan = planned(opened)
    steps = [item for item in plan if isinstance(item, Step)]
    assert [step.action for step in steps] == ["rename", "reopen"]
    for step in steps:
        kind.apply(opened, step, Deadline(step.deadline))
        assert kind.verify(facts, kind.observe(opened, step.on), step) is None
    while not (folder / "app.log").stat().st_size:
        time.sleep(0.05)
    (folder / "stop").touch()
    time.sleep(0.5)
    parts = [*sorted(folder.glob("app.log-*")), folder / "app.log"]
    lines = "".join(path.read_text() for path in parts).split()
    assert lines == [str(number) for number in range(len(lines))]
