"""Containers of a real engine, which lives as long as the tests do."""

from __future__ import annotations

import atexit
import json
import secrets
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.docker.hold import HoldParams
from mainstay.kinds.docker.settings import Settings
from mainstay.model.target import Target
from mainstay.model.units import Duration
from tests.laws.scene import Scene
from tests.live import docker_engine
from tests.live.docker_engine import container, docker

WORKS = ("sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait")


@cache
def _engine() -> str:
    if docker_engine.missing():
        pytest.skip(f"needs {docker_engine.missing()}")
    ending = ExitStack()
    atexit.register(ending.close)
    folder = ending.enter_context(tempfile.TemporaryDirectory(prefix="docker-", ignore_cleanup_errors=True))
    host = ending.enter_context(docker_engine.engine(Path(folder)))
    docker_engine.image(host)
    return host


def hold(_folder: Path) -> Scene:
    """Two services run; a third does not, and stays as it is."""
    host, project, ending = _engine(), f"law{secrets.token_hex(4)}", ExitStack()
    names = [f"{project}-{service}" for service in ("api", "worker", "old")]
    for name in names:
        service = name.partition("-")[2]
        labels = ("--label", f"com.docker.compose.project={project}", "--label", f"com.docker.compose.service={service}")
        ending.enter_context(container(host, name, *labels, run=WORKS))
    docker(host, "stop", "--time=5", names[2])

    def contents() -> Any:
        told = json.loads(docker(host, "inspect", *names))
        return [(one["Name"].partition("-")[2], one["State"]["Status"]) for one in told]

    target = Target("stack", "docker", Settings(project, engine=host))
    params = HoldParams(("api", "worker", "old"), Duration(5), Duration(60))
    return Scene("hold", target, params, contents=contents, close=ending.close)


SCENES = {"hold": hold}
