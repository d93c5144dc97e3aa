"""Keep containers stopped around other tasks: workers, schedulers, the application itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.docker.engine import look
from mainstay.kinds.docker.facts import Facts
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Impact, On, OnUnknown, Skip, Step, Undo
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

_KILLED = 137  # exit code of what SIGKILL has ended
_PAUSE = Duration(0.5)  # seconds between two looks at what starts
_SLACK = 60  # seconds that the engine may take itself


@dataclass(frozen=True)
class HoldParams:
    """What is stopped, and how patient it is."""

    services: Annotated[
        tuple[str, ...], Setting("stopped in this order, started in the other", example="[scheduler, worker, api]")
    ]
    grace: Annotated[Duration, Setting("how long a container may take to end by itself before it is killed", ge=0)] = Duration(30)
    healthy: Annotated[Duration, Setting("how long they may take to run again, and be healthy", ge=1)] = Duration(120)


class Hold(TaskKind[Facts, HoldParams]):
    """What runs is stopped; exactly that is started again, whatever happens, and has to become healthy."""

    name = "hold"
    summary = "Stop services while other tasks work, start those that ran again, and wait until they are healthy"
    task_class = TaskClass.CHANGE
    impact = Impact.DOWNTIME
    facts = Facts
    params = HoldParams
    bracket = True

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Look at every container."""
        return look(session, {})

    def plan(self, facts: Facts, params: HoldParams, name: str) -> list[Step | Skip]:
        """One step for all of them, with an obligation, unless none runs."""
        known = {one.service for one in facts.containers}
        if unknown := [service for service in params.services if service not in known]:
            raise StepFailed(
                "nothing was stopped", on=", ".join(unknown), because="no container of this service", next="correct `services`"
            )
        up = [one.name for service in params.services for one in facts.containers if one.service == service and one.up]
        running = [name for name in up if name not in facts.held]
        if not running:
            why = "held by an open run, which starts them again" if up else "none of them runs"
            return [Skip(("containers", *params.services), because(why, None))]
        patience = params.grace * len(running) + params.healthy + _SLACK
        return [
            Step(
                id="hold",
                action="stop",
                on=("containers", *running),
                because=because("tasks under it need it", None),
                impact=Impact.DOWNTIME,
                reverse=Undo("start", {"names": running[::-1], "healthy": params.healthy}, when="always"),
                args={"names": running, "grace": params.grace},
                deadline=Duration(patience),
                on_unknown=OnUnknown.UNDO,
                holds=tuple(running),
            )
        ]

    @action("stop")
    def stop(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Stop one after the other: each hears SIGTERM, and SIGKILL when its time is over."""
        for name in step.args["names"]:
            session.pulse(deadline)
            _engine(session, deadline, "stop", f"--time={int(step.args['grace'])}", name)
        now = look(session, {}).named(step.args["names"])
        killed = [one.name for one in now if one.exit_code == _KILLED and not one.up]
        session.output.extend(f"{name} did not end within {step.args['grace']:g} s and was killed" for name in killed)

    @action("start")
    def start(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Start them, and wait until each is healthy; one without a health check has to run."""
        for name in step.args["names"]:
            _engine(session, deadline, "start", name)
        patience = Deadline(Duration(step.args["healthy"]))
        while ill := look(session, {}).not_well(step.args["names"]):
            session.pulse(deadline)
            if patience.left <= 0:
                advice = f"docker logs {step.args['names'][0]}"
                raise StepFailed("services are not healthy again", on=step.on[0], because="; ".join(ill), next=advice)
            clock.sleep(_PAUSE)

    def verify(self, before: Facts, after: Facts, step: Step) -> str | None:
        """None of them runs; or all of them do, and are healthy."""
        if step.action == "stop":
            up = [one.name for one in after.named(step.args["names"]) if one.up]
            return f"still at work: {', '.join(up)}" if up else None
        return "; ".join(after.not_well(step.args["names"])) or None


def _engine(session: Session, deadline: Deadline, *words: str) -> None:
    engine = session.target.settings.engine
    done = session.door.run(["docker", *(("--host", engine) if engine else ()), *words], deadline.left)
    if done.code:
        why = done.stderr.decode(errors="replace").strip() or f"exit code {done.code}"
        raise StepFailed(f"docker {words[0]} failed", on=words[-1], because=why, next="docker compose ps --all")
