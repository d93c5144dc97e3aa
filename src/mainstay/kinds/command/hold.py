"""Keep something in force around other tasks: maintenance mode, stopped consumers."""

from __future__ import annotations

from mainstay.kinds.command import probes, undoing
from mainstay.kinds.command.probes import Facts
from mainstay.kinds.command.run import probes_say
from mainstay.kinds.kind import NoParams, Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.errors import ConfigError
from mainstay.model.plan import Impact, On, OnUnknown, Skip, Step, Undo
from mainstay.model.task import TaskClass
from mainstay.system.clock import Deadline


class Hold(TaskKind[Facts, NoParams]):
    """The command puts it in force, `undo` lifts it; whatever happens, it is lifted."""

    name = "hold"
    summary = "Run the command, keep its effect around other tasks, and always take it back with `undo`"
    task_class = TaskClass.CHANGE
    impact = Impact.DOWNTIME
    facts = Facts
    bracket = True

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Ask `before`, `after` and `done`."""
        return probes.observe(session)

    def lacking(self, session: Session, step: Step) -> tuple[str, ...]:
        """Ask whether `undo` could be run."""
        return tuple(undoing.lacking(session))

    def plan(self, facts: Facts, params: NoParams, name: str) -> list[Step | Skip]:
        """One step with an obligation, unless somebody else has it in force already."""
        settings, on = facts.command, ("command", facts.command.program)
        if not settings.argv or not settings.undo:
            raise ConfigError("a command that is held around other tasks needs `argv` and `undo`", next="write them")
        if facts.done:
            return [Skip(on, because("it is in force already, by somebody else (`done` ends with 0)", None, param="done"))]
        return [
            Step(
                id="hold",
                action="hold",
                on=on,
                because=because("tasks under it need it", None),
                impact=Impact[settings.impact.upper()],
                reverse=Undo("lift", {"argv": list(settings.undo)}, when="always"),
                args={"argv": list(settings.argv)},
                deadline=settings.timeout,
                on_unknown=OnUnknown.PROBE if settings.done else OnUnknown.UNDO,
            )
        ]

    @action("hold")
    def hold(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Put it in force."""
        done = probes.run(session, tuple(step.args["argv"]), deadline)
        probes.require(done, session.target.settings.ok_codes, "it could not be put in force")
        session.connection.ran = "hold"

    @action("lift")
    def lift(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Lift it."""
        probes.require(probes.run(session, tuple(step.args["argv"]), deadline), (0,), "it could not be lifted")
        session.connection.ran = "lift"

    def verify(self, before: Facts, after: Facts, step: Step) -> str | None:
        """`done` decides where it is given; else the exit code of this very session does."""
        return probes_say(after.done, wanted=step.action == "hold", ran=after.ran == step.action)
