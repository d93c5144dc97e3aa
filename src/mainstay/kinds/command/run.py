"""Run the command once."""

from __future__ import annotations

from collections.abc import Iterable

from mainstay.kinds.command import probes, suite, undoing
from mainstay.kinds.command.junit import Suite
from mainstay.kinds.command.probes import Facts
from mainstay.kinds.command.settings import Settings
from mainstay.kinds.kind import Deferred, NoParams, Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.errors import ConfigError
from mainstay.model.figure import Figure
from mainstay.model.plan import Impact, Neutral, On, OneWay, Skip, Step, Undo
from mainstay.model.task import TaskClass
from mainstay.system.clock import Deadline


class Run(TaskKind[Facts, NoParams]):
    """The command as one step."""

    name = "run"
    summary = "Run the command with its deadline, between its checks"
    task_class = TaskClass.CHANGE
    impact = Impact.DOWNTIME
    facts = Facts

    def highest_impact(self, settings: Settings, params: NoParams) -> Impact:
        """Return what the command was declared to have."""
        return Impact[settings.impact.upper()]

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Ask `before`, `after` and `done`."""
        return probes.observe(session)

    def lacking(self, session: Session, step: Step) -> tuple[str, ...]:
        """Ask whether `undo` could be run."""
        return tuple(undoing.lacking(session))

    def plan(self, facts: Facts, params: NoParams, name: str) -> list[Step | Skip]:
        """One step, unless its effect is in place or it may not start."""
        settings, on = facts.command, ("command", facts.command.program)
        if not settings.argv:
            return [Skip(on, because("argv", "none: this target is there to be backed up", param="argv"))]
        if facts.live:
            raise ConfigError(f"a destructive suite is not run on what this site maintains: {facts.live}")
        if facts.done:
            return [Skip(on, because("its effect is in place (`done` ends with 0)", None, param="done"))]
        if facts.ready is False:
            return [Skip(on, because("its `before` check passes", False, "==", True, "before"))]
        return [
            Step(
                id="run",
                action="run",
                on=on,
                because=because("the routine asks for it", None),
                impact=Impact[settings.impact.upper()],
                reverse=_reverse(settings),
                args={"argv": list(settings.argv)},
                deadline=settings.timeout,
                on_unknown=probes.on_unknown(settings),
            )
        ]

    def figures(self, facts: Facts) -> Iterable[Figure]:
        """Return the counts of the suite that this session has run, none as yet."""
        seen = facts.suite or Suite()
        for name in ("tests", "failures", "errors", "skipped") if facts.command.junit else ():
            yield Figure(name, getattr(seen, name))

    @action("run")
    def run(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Run it; an exit code may mean success, not now, or failure, and the tests of a suite decide with it."""
        before = suite.reports(session)
        done = probes.run(session, tuple(step.args["argv"]), deadline)
        settings: Settings = session.target.settings
        if done.code in settings.deferred_codes:
            return Deferred(because("exit code", done.code, "in", str(settings.deferred_codes), "deferred_codes"))
        suite.judge(session, before, done.code if done.code not in settings.ok_codes else 0)
        probes.require(done, settings.ok_codes, "the command failed")
        session.connection.ran = "run"
        return None

    @action("undo")
    def undo(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Take it back."""
        probes.require(probes.run(session, tuple(step.args["argv"]), deadline), (0,), "the undo command failed")
        session.connection.ran = "undo"

    def verify(self, before: Facts, after: Facts, step: Step) -> str | None:
        """`done` decides where it is given; else the exit code of this very session does. `after` must pass in any case."""
        if step.action == "undo":
            return probes_say(after.done, wanted=False, ran=after.ran == "undo")
        if after.sound is False:
            return "its `after` check does not pass"
        return probes_say(after.done, wanted=True, ran=after.ran == "run")


def probes_say(done: bool | None, *, wanted: bool, ran: bool) -> str | None:
    """Return why an effect is not proven: by the `done` question where there is one, else by what this session ran."""
    if done is None:
        return None if ran else "nothing shows that it ran: no `done` command is configured"
    return None if done is wanted else f"`done` says that its effect is {'not ' if wanted else 'still '}in place"


def _reverse(settings: Settings) -> Undo | Neutral | OneWay:
    if settings.undo:
        return Undo("undo", {"argv": list(settings.undo)})
    return Neutral() if settings.neutral else OneWay("a command without `undo`; its owner has decided to run it")
