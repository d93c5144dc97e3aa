"""Containers of a real engine: what `docker ps` shows as "Up" is not yet well."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mainstay.app import App
from mainstay.model.because import Level
from tests.live import docker_engine
from tests.live.docker_engine import container, docker

pytestmark = [
    pytest.mark.skipif(bool(docker_engine.missing()), reason=f"needs {docker_engine.missing()}"),
    pytest.mark.slow,
]
SITE = """
site: shop
timezone: UTC
state: {folder}/state
targets:
  stack: {{kind: docker, engine: "{host}", project: shop, services: [api, db, worker]}}
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    with docker_engine.engine(tmp_path) as found:
        docker_engine.image(found)
        yield found


def labels(service: str) -> tuple[str, ...]:
    return ("--label", "com.docker.compose.project=shop", "--label", f"com.docker.compose.service={service}")


def looked(folder: Path, host: str) -> dict[str, tuple[Level, str]]:
    (folder / "mainstay.yaml").write_text(SITE.format(folder=folder, host=host), encoding="utf-8")
    [record] = App.open(folder / "mainstay.yaml").check()
    return {one.on.split(" ")[0]: (one.level, str(one.because)) for one in record.findings}


@pytest.mark.covers("HLT-02")
def test_each_fault_of_a_stack_is_found_and_named(tmp_path: Path, host: str) -> None:
    with ExitStack() as stack:
        well = ("--health-cmd=true", "--health-interval=1s")
        ill = ("--health-cmd=false", "--health-interval=1s", "--health-retries=1")
        stack.enter_context(container(host, "api", *labels("api"), *well))
        stack.enter_context(container(host, "db", *labels("db")))
        stack.enter_context(container(host, "worker", *labels("worker"), "--restart=always"))
        stack.enter_context(container(host, "migrate", *labels("migrate"), run=("sh", "-c", "exit 0")))
        _wait(host, "api", "{{.State.Health.Status}}", "healthy")
        assert looked(tmp_path, host) == {"shop": (Level.OK, "running: 3, 1 with health")}

        docker(host, "stop", "--time=0", "db")
        stack.enter_context(container(host, "other", *labels("other"), *ill))
        _wait(host, "other", "{{.State.Health.Status}}", "unhealthy")
        docker(host, "rm", "-f", "api")
        stack.enter_context(container(host, "crash", *labels("crash"), "--restart=always", run=("sh", "-c", "exit 7")))
        _wait(host, "crash", "{{gt .RestartCount 1}}", "true")
        found = looked(tmp_path, host)
        assert found["api"] == (Level.CRITICAL, "no container of this service")
        assert found["db"] == (Level.CRITICAL, "container is not running: exited, exit code 137")
        assert found["other"] == (Level.CRITICAL, "container unhealthy")
        assert found["crash"][0] is Level.WARNING
        assert found["crash"][1].startswith("restarts since the previous look")
        assert "migrate" not in found, "a job that has done its work"


def test_an_engine_that_does_not_answer_is_unknown_and_says_why(tmp_path: Path) -> None:
    [(level, because)] = looked(tmp_path, f"unix://{tmp_path}/nobody.sock").values()
    assert level is Level.UNKNOWN
    assert "the Docker engine does not answer" in because


def _wait(host: str, name: str, template: str, wanted: str) -> None:
    until = time.monotonic() + 60
    while docker(host, "inspect", "--format", template, name) != wanted:
        assert time.monotonic() < until, docker(host, "inspect", name)
        time.sleep(0.1)
