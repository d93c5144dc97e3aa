"""The same work on this host and inside a container: equal bytes, equal results, nothing left behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mainstay.engine.run import Launch
from mainstay.model.errors import DeadlinePassed
from mainstay.model.run import RunRecord
from mainstay.model.setting import HOST, Place
from mainstay.model.units import Duration, Size
from mainstay.system import process
from mainstay.system.process import Door
from tests.engine.shop import Shop
from tests.live import docker_engine

pytestmark = pytest.mark.skipif(bool(docker_engine.missing()), reason=f"needs {docker_engine.missing()}")
EVERY_BYTE = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with docker_engine.engine(tmp_path_factory.mktemp("docker")) as host, pytest.MonkeyPatch.context() as environment:
        environment.setenv("DOCKER_HOST", host)
        docker_engine.image(host)
        with docker_engine.container(host, "box") as name:
            yield name


def test_bytes_are_equal_on_the_host_and_in_a_container(box: str) -> None:
    argv = [docker_engine.BUSYBOX, "cat"]
    outputs = [Door(place, keep=Size(1 << 24)).run(argv, Duration(30), stdin=EVERY_BYTE).stdout for place in (HOST, Place(box))]
    assert outputs == [EVERY_BYTE, EVERY_BYTE]


def test_a_task_has_the_same_result_on_the_host_and_in_a_container(box: str, tmp_path: Path) -> None:
    records = [_run(tmp_path / str(number), place) for number, place in enumerate(({}, {"runs_in": {"container": box}}))]
    shown = [[(step.status, step.because, step.output) for step in record.tasks[0].steps] for record in records]
    assert shown[0] == shown[1]
    assert shown[0][0][2] == "first\tline\nmode fast\nno terminal"


def _run(folder: Path, place: dict[str, Any]) -> RunRecord:
    folder.mkdir()
    shop = Shop(folder)
    text = "printf 'first\\tline\\n'; echo mode $MODE; test -t 0 || echo no terminal"
    settings = {"argv": [docker_engine.BUSYBOX, "sh", "-c", text], "environment": {"MODE": "fast"}, "neutral": True}
    shop.targets["job"] = {"kind": "command", **settings, **place}
    shop.routines["daily"] = {"tasks": ["job.run"]}
    return shop.open().run("daily", Launch(by="ann"))


def test_a_secret_for_a_container_is_not_in_any_process_list(box: str) -> None:
    script = "cat /proc/1/environ >/dev/null; echo $PASSWORD; sleep 1"
    door = Door(Place(box))
    argv = door.place_argv([docker_engine.BUSYBOX, "sh", "-c", script], {"PASSWORD": "swordfish"})
    assert "swordfish" not in " ".join(argv)
    assert (
        door.run([docker_engine.BUSYBOX, "sh", "-c", script], Duration(20), env={"PASSWORD": "swordfish"}).stdout
        == b"swordfish\n"
    )


def test_a_deadline_ends_the_processes_inside_the_container_too(box: str) -> None:
    door = Door(Place(box), tag="run/task/inside")
    with pytest.raises(DeadlinePassed):
        door.run([docker_engine.BUSYBOX, "sh", "-c", "sleep 500 & sleep 500"], Duration(1))
    assert process.tagged("run/task/inside") == []
