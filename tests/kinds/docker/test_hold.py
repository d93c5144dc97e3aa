"""Consumers in containers of a real engine, stopped around work that must be alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.model.run import RunRecord, Status
from tests.crash.die import die
from tests.engine.shop import Shop
from tests.live import docker_engine
from tests.live.docker_engine import container, docker
from tests.serve.served import until

pytestmark = pytest.mark.skipif(bool(docker_engine.missing()), reason=f"needs {docker_engine.missing()}")
WORKS = ("sh", "-c", "trap 'exit 0' TERM; sleep 3600 & wait")
DEAF = ("sh", "-c", "trap '' TERM; while :; do sleep 1; done")
STATES = "docker --host {host} inspect --format '{{{{.Name}}}}={{{{.State.Status}}}}' api worker db | tr '\\n' ' ' | tr -d '/ '"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    with docker_engine.engine(tmp_path) as found, ExitStack() as ending:
        docker_engine.image(found)
        well = ("--health-cmd=test ! -e /tmp/ill", "--health-interval=1s", "--health-retries=1")
        for name, run in (("api", WORKS), ("worker", DEAF), ("db", WORKS)):
            project = ("--label=com.docker.compose.project=shop", f"--label=com.docker.compose.service={name}")
            ending.enter_context(container(found, name, *project, *(well if name == "api" else ()), run=run))
        yield found


@pytest.fixture
def shop(tmp_path: Path, host: str) -> Shop:
    """A task that writes down which containers run while it works."""
    shop = Shop(tmp_path)
    shop.targets["stack"] = {"kind": "docker", "engine": host, "project": "shop"}
    shop.command("work", f"{STATES.format(host=host)} >> $LOG; echo >> $LOG", impact="downtime")
    held = {"services": ["worker", "api"], "grace": "2s", "healthy": "60s"}
    shop.routines = {"weekly": {"around": [{"stack.hold": held}], "tasks": ["work.run"]}}
    return shop


def run(shop: Shop) -> RunRecord:
    app = shop.open()
    return app.run("weekly", Launch(by="ann", envelope=app.forecast("weekly").envelope, how="test"))


def states(host: str) -> str:
    return docker(host, "inspect", "--format={{.State.Status}}", "api", "worker", "db").replace("\n", " ")


@pytest.mark.slow
def test_they_are_stopped_while_others_work_and_run_healthy_afterwards(shop: Shop, host: str) -> None:
    record = run(shop)
    assert record.settled, record.because
    assert shop.effects == ["api=exitedworker=exiteddb=running"]
    assert states(host) == "running running running"
    assert docker(host, "inspect", "--format={{.State.Health.Status}}", "api") == "healthy"
    assert "worker did not end within 2 s and was killed" in record.task("stack.hold").steps[0].output


@pytest.mark.slow
def test_what_was_stopped_before_stays_stopped(shop: Shop, host: str) -> None:
    docker(host, "stop", "--time=0", "worker")
    assert run(shop).settled
    assert shop.effects == ["api=exitedworker=exiteddb=running"]
    assert states(host) == "running exited running"


@pytest.mark.parametrize(
    ("kind", "count"),
    [
        pytest.param(events.STEP_STARTED, 1, marks=pytest.mark.slow),
        (events.STEP_ENDED, 1),
        pytest.param(events.STEP_STARTED, 3, marks=pytest.mark.slow),
    ],
)
def test_a_death_in_between_is_brought_to_its_end_with_all_of_them_at_work(shop: Shop, host: str, kind: str, count: int) -> None:
    shop.open()
    die(shop.folder, kind, count, "run", "weekly")
    [record] = shop.open().sweep()
    assert record.settled, record.because
    assert states(host) == "running running running"


@pytest.mark.slow
def test_one_that_does_not_become_healthy_again_is_told_and_the_run_stays_open(shop: Shop, host: str) -> None:
    shop.routines["weekly"]["around"][0]["stack.hold"]["healthy"] = "3s"
    docker(host, "exec", "api", "touch", "/tmp/ill")
    record = run(shop)
    assert not record.settled
    step = record.task("stack.hold").steps[-1]
    assert step.status is Status.FAILED
    assert "services are not healthy again" in step.because
    assert "api is running, unhealthy" in step.because
    docker(host, "exec", "api", "rm", "/tmp/ill")
    until(lambda: shop.open().sweep()[0].settled)
    assert states(host) == "running running running"


@pytest.mark.slow
def test_a_service_that_is_misspelt_stops_nothing(shop: Shop, host: str) -> None:
    shop.routines["weekly"]["around"][0]["stack.hold"]["services"] = ["api", "wroker"]
    record = run(shop)
    assert record.status is Status.FAILED
    assert "nothing was stopped (wroker): no container of this service" in record.because
    assert shop.effects == []
    assert states(host) == "running running running"
