"""Keep applications from writing around other tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.kinds.postgres.readonly.roles import ON, ReadOnlyFacts
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.model.because import because
from mainstay.model.errors import ConfigError, StepFailed
from mainstay.model.plan import Impact, On, OnUnknown, Skip, Step, Undo
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

_SLACK = 60  # seconds for logging in, and for sessions to go


@dataclass(frozen=True)
class ReadOnlyParams:
    """How patient it is."""

    drain: Annotated[Duration, Setting("how long open transactions of the applications may last before they are ended", ge=0)] = (
        Duration(30)
    )


class ReadOnly(TaskKind[ReadOnlyFacts, ReadOnlyParams]):
    """Each role gets default_transaction_read_only for the database, and its older sessions end, so that none writes on."""

    name = "read_only"
    summary = "let the roles of `applications` read and not write while other tasks work, and always take that back"
    task_class = TaskClass.CHANGE
    impact = Impact.BLOCKS_WRITES
    facts = ReadOnlyFacts
    params = ReadOnlyParams
    bracket = True

    def observe(self, session: Session, on: On | None = None) -> ReadOnlyFacts:
        """Log in as each application, look at its default, and try to write."""
        from mainstay.kinds.postgres.readonly.logins import login

        settings: PostgresSettings = session.target.settings
        roles = []
        for application in settings.applications:
            with login(session, application) as opened:
                roles.append(opened.look())
        return ReadOnlyFacts(clock.now(), settings, tuple(roles))

    def plan(self, facts: ReadOnlyFacts, params: ReadOnlyParams, name: str) -> list[Step | Skip]:
        """One step for all roles, with an obligation, unless somebody else has them read-only already."""
        if not facts.roles:
            raise ConfigError("read_only needs `applications`", next="write which roles it is for, and where their passwords are")
        on = ("roles", *(role.name for role in facts.roles))
        if all(role.read_only for role in facts.roles):
            return [Skip(on, because("they are read-only already, by somebody else", None))]
        before = {role.name: role.value for role in facts.roles}
        return [
            Step(
                id="read_only",
                action="restrict",
                on=on,
                because=because("tasks under it need it", None),
                impact=Impact.BLOCKS_WRITES,
                reverse=Undo("allow", {"before": before, "drain": params.drain}, when="always"),
                args={"before": before, "drain": params.drain},
                deadline=Duration(2 * params.drain * len(before) + _SLACK),
                on_unknown=OnUnknown.UNDO,
            )
        ]

    @action("restrict")
    def restrict(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Set the default of each role first, so that nobody comes back writing, then end the sessions that do not know it."""
        self._set(session, step, deadline, dict.fromkeys(step.args["before"], ON))

    @action("allow")
    def allow(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Give each role the default that it had, and end the sessions that began meanwhile: they would stay read-only."""
        self._set(session, step, deadline, step.args["before"])

    def verify(self, before: ReadOnlyFacts, after: ReadOnlyFacts, step: Step) -> str | None:
        """A real attempt to write is refused for each role; or the default is what it was, and nothing but it refuses."""
        for role in after.roles:
            was = step.args["before"].get(role.name)
            if step.action == "restrict" and not (role.value == ON and role.read_only):
                return f"{role.name} can still write"
            if step.action == "allow" and (role.value != was or (role.read_only and was != ON)):
                return f"{role.name} is still read-only, or its default is {role.value} and not {was}"
        return None if {role.name for role in after.roles} == step.args["before"].keys() else "other roles are configured by now"

    def _set(self, session: Session, step: Step, deadline: Deadline, values: dict[str, str | None]) -> None:
        from mainstay.kinds.postgres.readonly.logins import login

        known = {one.role: one for one in session.target.settings.applications}
        for role, value in values.items():
            if role not in known:
                raise StepFailed("the role is no longer configured", on=role, next="write it into `applications` again")
            with login(session, known[role]) as opened:
                opened.set(value)
                session.output.append(opened.end_old(session, deadline, Duration(step.args["drain"])))
