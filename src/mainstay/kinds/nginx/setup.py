"""Write the configuration of the maintenance mode, and let nginx read it."""

from __future__ import annotations

from pathlib import Path

from mainstay.kinds.kind import NoParams, Session, TaskKind, action
from mainstay.kinds.nginx import include, program
from mainstay.kinds.nginx.facts import Facts
from mainstay.kinds.nginx.settings import Settings
from mainstay.model.because import because
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Args, Cost, Impact, On, OnUnknown, Skip, Step, Undo
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock, files
from mainstay.system.clock import Deadline


class Setup(TaskKind[Facts, NoParams]):
    """Both files are written, nginx tests them, and only then loads them; what was there before is kept in the journal."""

    name = "setup"
    summary = "write the files that nginx includes for the maintenance mode, test them, and reload"
    task_class = TaskClass.CHANGE
    impact = Impact.LOAD
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Read both files, and the configuration as nginx reads it."""
        target = session.target
        return Facts(clock.now(), target.name, session.site, target.settings, configuration=program.look(session))

    def plan(self, facts: Facts, params: NoParams, name: str) -> list[Step | Skip]:
        """One step, unless both files are what they should be; none while the configuration is broken already."""
        found, on = facts.configuration, ("configuration", facts.target)
        assert found
        wanted, there = _wanted(facts), {"http_include": found.http, "include": found.server}
        if wanted == there:
            return [Skip(on, because("both files are as they should be", None))]
        if found.problem:
            return [Skip(on, because("nginx refuses its configuration as it is", found.problem))]
        differ = [setting for setting in wanted if wanted[setting] != there[setting]]
        return [
            Step(
                id="write",
                action="write",
                on=on,
                because=because("missing or changed", " and ".join(_paths(facts.settings)[setting] for setting in differ)),
                impact=Impact.LOAD,
                reverse=Undo("restore", {"files": _files(facts.settings, there)}),
                args={"files": _files(facts.settings, wanted), "before": _files(facts.settings, there)},
                deadline=Duration(120),
                cost=Cost(files=2),
                on_unknown=OnUnknown.RERUN,
            )
        ]

    @action("write")
    def write(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Write, test, reload; where the test fails the old files are put back at once."""
        _put(step.args["files"])
        if problem := program.test(session):
            _put(step.args["before"])
            raise StepFailed("nginx refuses the configuration", on=session.target.name, because=problem, next=_NEXT)
        program.reload(session)
        session.output.append(program.heard(session, deadline))

    @action("restore")
    def restore(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Put the old files back, and let nginx read them if it runs."""
        _put(step.args["files"])
        program.reload(session, if_running=True)
        session.output.append(program.heard(session, deadline))

    def verify(self, before: Facts, after: Facts, step: Step) -> str | None:
        """The files hold what was pinned, and nginx accepts them."""
        found = after.configuration
        assert found
        if _files(after.settings, {"http_include": found.http, "include": found.server}) != step.args["files"]:
            return "the files do not hold what was written"
        return f"nginx refuses the configuration: {found.problem}" if found.problem else None


_NEXT = "both files are as they were before; look at what nginx says"


def _wanted(facts: Facts) -> dict[str, str | None]:
    return {
        "http_include": include.http(facts.target, facts.settings),
        "include": include.server(facts.target, facts.settings),
    }


def _paths(settings: Settings) -> dict[str, str]:
    return {"http_include": str(settings.http_include), "include": str(settings.include)}


def _files(settings: Settings, contents: dict[str, str | None]) -> list[Args]:
    return [{"path": path, "content": contents[setting]} for setting, path in _paths(settings).items()]


def _put(wanted: list[Args]) -> None:
    """Write each file as wanted; one without content is removed."""
    for file in wanted:
        path, content = Path(file["path"]), file["content"]
        try:
            if content is None:
                path.unlink(missing_ok=True)
            else:
                files.write_atomic(path, content.encode("utf-8", "surrogateescape"), 0o644)
        except OSError as error:
            raise StepFailed("a file of nginx cannot be written", on=str(path), because=error.strerror or str(error)) from error
