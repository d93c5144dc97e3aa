"""Keep the maintenance mode on around other tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.kinds.nginx import flag, outside, proof
from mainstay.kinds.nginx.facts import Facts
from mainstay.kinds.nginx.settings import Settings
from mainstay.model.because import because
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Impact, On, Skip, Step, Undo
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

_SLACK = 30  # seconds for files, on top of waiting and looking
_NEXT = "mainstay check tells what is missing; is the asking address among `operators`, and is the file included everywhere?"


@dataclass(frozen=True)
class Params:
    """What users are told."""

    reason: Annotated[str, Setting("a sentence for the page; without it, a general one")] = ""
    emergency: Annotated[bool, Setting("say that something is broken, instead of that it was planned")] = False
    lasts: Annotated[Duration, Setting("how long it is expected to stay on", ge=60, example="45m")] = Duration(3600)


class Maintenance(TaskKind[Facts, Params]):
    """On is proven by 503 from outside, off by its absence; whatever happens, it is lifted."""

    name = "maintenance"
    summary = "answer every request with 503 and a page while other tasks work, and always take that back"
    task_class = TaskClass.CHANGE
    impact = Impact.DOWNTIME
    facts = Facts
    params = Params
    bracket = True

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Read the flag and ask from outside."""
        settings: Settings = session.target.settings
        set_ = flag.read(settings.folder, session.held)
        public, exempt = outside.ask(settings, settings.urls), outside.ask(settings, settings.exempt_urls)
        return Facts(clock.now(), session.target.name, session.site, settings, set_, public, exempt)

    def plan(self, facts: Facts, params: Params, name: str) -> list[Step | Skip]:
        """One step with an obligation, unless an open run has it on already; a flag of nobody is taken over."""
        settings, on = facts.settings, ("maintenance", facts.target)
        if facts.flag and facts.flag.owned:
            return [Skip(on, because("it is on already, by", f"{facts.flag.owner}, until {proof.shown(facts.flag.until)}"))]
        args = {**proof.args(facts, params.reason, params.lasts, name), **({"emergency": True} if params.emergency else {})}
        return [
            Step(
                id="enter",
                action="enter",
                on=on,
                because=because("tasks under it need it", None),
                impact=Impact.DOWNTIME,
                reverse=Undo("leave", {"owner": name, "until": args["until"]}, when="always"),
                args=args,
                deadline=Duration(settings.drain + settings.proof_within + _SLACK),
                holds=(flag.held_name(name),),
            )
        ]

    @action("enter")
    def enter(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Write the page, set the flag, see it from outside, and wait for the requests under way."""
        flag.hoist(session.target.settings.folder, session.target.name, step.args)
        why = outside.until(session, deadline, lambda: proof.not_on(self.observe(session), step.args))
        if why:
            raise StepFailed("the maintenance mode is not seen from outside", on=session.target.name, because=why, next=_NEXT)
        session.output.append(outside.drained(session, deadline))

    @action("leave")
    def leave(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Lift the flag, and see from outside that it is gone."""
        flag.lower(session.target.settings.folder, step.args["owner"])
        why = outside.until(session, deadline, lambda: proof.not_off(self.observe(session), step.args))
        if why:
            raise StepFailed("the maintenance mode is still seen from outside", on=session.target.name, because=why)

    def tidy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Lift what an attempt has set that did not come to its end."""
        flag.lower(session.target.settings.folder, step.args["owner"])

    def verify(self, before: Facts, after: Facts, step: Step) -> str | None:
        """The flag is that of this step and every URL shows it; or neither."""
        return (proof.not_on if step.action == "enter" else proof.not_off)(after, step.args) or None
