"""A stack before and after a run: the same set of containers, each healthy and steady, as the Compose file declares it."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.model.run import RunRecord, Status, Verdict
from tests.kinds.docker.test_check import labels
from tests.live import docker_engine
from tests.live.docker_engine import container, docker
from tests.serve.served import PROGRAM

pytestmark = [
    pytest.mark.skipif(bool(docker_engine.missing()), reason=f"needs {docker_engine.missing()}"),
    pytest.mark.slow,
]
COMPOSE = """
name: shop
services:
  api: {image: small, depends_on: {db: {condition: service_healthy}, migrate: {condition: service_completed_successfully}}}
  migrate: {image: small, depends_on: {db: {condition: service_healthy}}}
  db: {image: small}
  mail: {image: small, profiles: [mail]}
"""
WELL = ("--health-cmd=true", "--health-interval=1s")


class Stack:
    """A project of real containers, and a site that knows it."""

    def __init__(self, folder: Path, host: str, stack: ExitStack) -> None:
        self.folder, self.host, self._stack = folder, host, stack
        (folder / "compose.yaml").write_text(COMPOSE, encoding="utf-8")

    def start(self, *services: str, options: tuple[str, ...] = WELL) -> None:
        for name in services:
            run = ("sh", "-c", "exit 0") if name == "migrate" else ("sleep", "3600")
            self._stack.enter_context(container(self.host, name, *labels(name), *options, run=run))

    def run(self, script: str, undo: str = "true", checks: dict[str, list[str]] | None = None, **stack: Any) -> RunRecord:
        """Run a change that is a shell script; `$D` is the client of the engine."""
        self.write(script, undo, checks or {"looks": ["stack.check"]}, **stack)
        app = App.open(self.folder / "mainstay.yaml")
        return app.run("weekly", Launch(by="ann", envelope=app.forecast("weekly").envelope, how="test"))

    def write(self, script: str, undo: str, checks: dict[str, list[str]], **stack: Any) -> None:
        compose = {} if "project" in stack else {"compose": [f"{self.folder}/compose.yaml"]}
        change = {"kind": "command", "argv": self._shell(script), "undo": self._shell(undo)}
        site = {
            "site": "shop",
            "timezone": "UTC",
            "state": f"{self.folder}/state",
            "targets": {"stack": {"kind": "docker", "engine": self.host, **compose, **stack}, "change": change},
            "routines": {"weekly": {"tasks": ["change.run"], **checks}},
        }
        (self.folder / "mainstay.yaml").write_text(json.dumps(site), encoding="utf-8")

    def wait(self, name: str, template: str, wanted: str) -> None:
        until = time.monotonic() + 60
        while docker(self.host, "inspect", "--format", template, name) != wanted:
            assert time.monotonic() < until, docker(self.host, "inspect", name)
            time.sleep(0.1)

    def _shell(self, script: str) -> list[str]:
        return ["/bin/sh", "-ec", f"D='docker --host {self.host}'; {script}"]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with docker_engine.engine(tmp_path) as host, ExitStack() as opened:
        docker_engine.image(host)
        yield Stack(tmp_path, host, opened)


def healthy(stack: Stack, *names: str) -> None:
    for name in names:
        stack.wait(name, "{{.State.Health.Status}}", "healthy")


@pytest.mark.covers("PRE-03")
def test_one_service_of_three_is_up_for_grep_and_three_findings_for_a_look(stack: Stack) -> None:
    stack.start("api", options=("--health-cmd=false", "--health-interval=1s", "--health-retries=1"))
    stack.wait("api", "{{.State.Health.Status}}", "unhealthy")
    listed = docker(stack.host, "ps")
    assert subprocess.run(["grep", "-q", "Up"], input=listed, text=True, check=False).returncode == 0, "what the runbook asks"

    record = stack.run("true")
    [looked] = [check for check in record.checks_before if check.id == "stack.check"]
    assert [(one.on, str(one.because)) for one in looked.findings] == [
        ("db", "no container of this service"),
        ("migrate", "no container of this service"),
        ("api", "container unhealthy"),
    ]
    assert (record.status, record.verdict) == (Status.CHANGED, Verdict.PASS), "it warns, and does not abort"


@pytest.mark.covers("PRE-03", "POST-01")
def test_the_exact_set_is_recorded_before_and_demanded_afterwards(stack: Stack) -> None:
    stack.start("db", "api")
    stack.start("migrate", options=())
    stack.start("extra")
    healthy(stack, "db", "api", "extra")
    record = stack.run("$D rm -f extra", project="shop")  # nobody declares it: only the set before knows of it
    kept = {one["service"]: one["state"] for one in record.baseline["stack.check"]["containers"]}
    assert kept == {"api": "running", "db": "running", "extra": "running", "migrate": "exited"}
    assert (record.status, record.verdict) == (Status.CHANGED, Verdict.DEGRADED)
    assert record.because == "stack.check: extra: healthy containers 0 < 1 -- that many there were before the run"


@pytest.mark.covers("POST-01")
def test_a_service_that_does_not_run_after_a_change_has_it_taken_back(stack: Stack) -> None:
    stack.start("db", "api")
    stack.start("migrate", options=())
    healthy(stack, "db", "api")
    record = stack.run("$D stop --time=0 db", undo="$D start db")
    assert "db: container is not running: exited" in record.turned
    assert record.rolled_back
    assert docker(stack.host, "inspect", "--format", "{{.State.Status}}", "db") == "running"


@pytest.mark.covers("POST-01", "POST-09")
def test_a_container_that_is_restarted_again_and_again_is_up_and_not_steady(stack: Stack) -> None:
    stack.start("db", "api")
    stack.start("migrate", options=())
    healthy(stack, "db", "api")
    crashing = "$D run -d --name api --network=none --restart=always --label com.docker.compose.project=shop"
    crashing += " --label com.docker.compose.service=api small sh -c 'sleep 2; exit 1'"
    patience = {"within": "30s", "steady": "8s", "every": "200ms"}
    record = stack.run(f"$D rm -f api; {crashing}", checks={"looks": ["stack.ready"]}, ready=patience)
    assert record.verdict is Verdict.FAIL
    assert "api: restarted, replaced or ill within 8s <= ready.steady 8s" in record.turned


def start_up(stack: Stack, log: str, within: str = "100s") -> int:
    """Let the program run a change that starts the whole stack anew, and return its exit code."""
    label = "--network=none --label com.docker.compose.project=shop --label com.docker.compose.service"
    ill = "--health-cmd 'test -e /tmp/up' --health-interval=1s --health-retries=60"
    script = (
        f"$D rm -f db api migrate; $D run -d --name db {label}=db {ill} small sh -c 'sleep 3; touch /tmp/up; sleep 3600';"
        f"$D run -d --name migrate {label}=migrate small sh -c 'sleep 1';"
        f"$D run -d --name api {label}=api {ill} small sh -c '{log}; sleep 1; touch /tmp/up; sleep 3600'"
    )
    stack.write(script, "true", {"checks": ["stack.ready"]}, ready={"within": within, "steady": "1s", "every": "200ms"})
    words = ["--config", str(stack.folder / "mainstay.yaml"), "run", "weekly", "--yes"]
    done = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=240, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode


@pytest.mark.covers("POST-09")
def test_a_start_up_is_waited_for_in_the_order_of_its_dependencies_and_its_log_is_read(stack: Stack) -> None:
    stack.start("db", "api")
    stack.start("migrate", options=())
    healthy(stack, "db", "api")
    assert start_up(stack, "echo starting") == 0
    app = App.open(stack.folder / "mainstay.yaml")
    [final] = [event.body["facts"]["stack.ready"] for event in app.journal.events(kinds=(events.RUN_FINAL,))]
    assert [one["service"] for one in final["up"]] == ["db", "migrate", "api"]
    assert start_up(stack, "echo FATAL: column missing") == 1, "it is healthy, and its log says that it is not well"
    [finding] = [one for check in app.runs(1)[0].checks for one in check.findings if "fatal lines" in str(one.because)]
    assert finding.on == "api"
    assert "column missing" not in finding.advice, "what a log says may be a secret"


@pytest.mark.covers("POST-09")
def test_a_start_up_that_does_not_succeed_in_time_names_what_it_waited_for(stack: Stack) -> None:
    stack.start("db", "api")
    stack.start("migrate", options=())
    healthy(stack, "db", "api")
    assert start_up(stack, "exec sleep 3600", within="6s") == 1
    record = App.open(stack.folder / "mainstay.yaml").runs(1)[0]
    assert "api: not up after 6s" in record.because
