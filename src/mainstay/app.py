"""The composition root: configuration, kinds, memory and engine put together; what the command line and the web page call."""

from __future__ import annotations

import getpass
import json as encoding
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from mainstay import config
from mainstay.config.mistakes import nearest
from mainstay.engine import agenda, bracket, observe, owed, plan, prepare, ready, recover, standing
from mainstay.engine import run as road
from mainstay.engine.context import Context, Listener, Silence
from mainstay.kinds import registry
from mainstay.ledger import events, heartbeat, queries, runs
from mainstay.ledger.journal import Journal
from mainstay.ledger.samples import Samples
from mainstay.model.because import Finding
from mainstay.model.checklist import Sheet
from mainstay.model.codec import encode
from mainstay.model.errors import ConfigError, Refused
from mainstay.model.figure import Series
from mainstay.model.plan import Envelope, Plan
from mainstay.model.run import RunRecord, Status, TaskRecord
from mainstay.model.task import Routine, Site, Task
from mainstay.model.units import Duration
from mainstay.people.announcements import Announcements
from mainstay.people.checklists import Checklists
from mainstay.people.emergencies import Emergencies, Escalation
from mainstay.people.mode import EmergencyMode
from mainstay.schedule.agenda import Agenda
from mainstay.schedule.blackouts import Span
from mainstay.system import clock
from mainstay.system.process import Door

if TYPE_CHECKING:
    from mainstay.notify.deliver import Delivered


@dataclass(frozen=True)
class Forecast:
    """What a routine would do if it ran now, brackets first, and what a person would have to consent to."""

    routine: str
    tasks: tuple[TaskRecord, ...]
    envelope: Envelope | None

    @property
    def plans(self) -> tuple[Plan, ...]:
        """The plans of the tasks that could be planned."""
        return tuple(task.plan for task in self.tasks if task.plan)


@dataclass(frozen=True)
class Mode:
    """What can be in force around other work: the task that puts it so, and the run that has done it, if any."""

    task: str
    run: str = ""
    by_hand: bool = False
    until: datetime | None = None
    because: str = ""


class App:
    """One site: its configuration, its memory, and everything that can be done with it."""

    def __init__(self, site: Site, listener: Listener | None = None, wish: Callable[[], bool] = lambda: False) -> None:
        self.site = site
        self._listener, self._wish = listener or Silence(), wish

    @classmethod
    def open(cls, path: Path, listener: Listener | None = None, wish: Callable[[], bool] = lambda: False) -> App:
        """Read a configuration; ConfigError holds every mistake."""
        return cls(config.load(path, registry), listener, wish)

    @cached_property
    def context(self) -> Context:
        """What the engine works with; the ledger is opened when it is needed."""
        return Context(self.site, Journal(self.site.state), Samples(self.site.state), registry.load, self._listener, self._wish)

    @property
    def journal(self) -> Journal:
        """The journal."""
        return self.context.journal

    @property
    def emergencies(self) -> Emergencies:
        """The emergencies of this site."""
        return Emergencies(self.context, self._tell)

    @property
    def emergency_mode(self) -> EmergencyMode:
        """The emergency mode of this site."""
        return EmergencyMode(self.context, self.emergencies, self)

    @property
    def announcements(self) -> Announcements:
        """What people add to the calendar of this site."""
        return Announcements(self.context)

    @property
    def checklists(self) -> Checklists:
        """The checklists of this site."""
        return Checklists(self.context)

    def remind(self) -> tuple[list[Escalation], list[Sheet]]:
        """Write down what people have to be told by now: emergencies that stay open, checklists that are due."""
        return self.emergencies.escalate(), self.checklists.remind()

    # Looking

    def check(self, targets: Iterable[str] = ()) -> list[TaskRecord]:
        """Look at targets now, all of them by default."""
        tasks = (observe.check_of(self.context, name) for name in self._targets(targets))
        return [observe.check(self.context, task).record for task in tasks if task]

    def forecast(self, what: str | Routine, params: Mapping[str, Any] | None = None) -> Forecast:
        """Observe and plan a routine or a single task without doing anything."""
        routine = what if isinstance(what, Routine) else self.routine(what, params)
        tasks = plan.forecast(self.context, (*routine.around, *routine.tasks))
        needed = [task.plan for task in tasks if task.plan and not task.bracket]
        brackets = [task.plan for task in tasks if task.plan and task.bracket]
        held = brackets if any(bracket.needed(one.impact) for one in needed) else []
        return Forecast(routine.name, tuple(tasks), plan.envelope([*needed, *held]))

    def needed(self, routine: Routine) -> Duration | None:
        """Return how long a routine is expected to take at most; None when nobody knows."""
        return plan.needed(self.context, routine)

    def agenda(self, start: datetime, end: datetime) -> Agenda:
        """Return the calendar as far as it matters in [start, end)."""
        return agenda.of(self.context, start, end)

    def blackouts(self, start: datetime, end: datetime) -> list[Span]:
        """Return the blackouts in [start, end), by their beginning; targets are asked for the moments that they know."""
        return sorted(agenda.spans(self.context, start, end), key=lambda one: (one.start, one.name))

    def ready(self, name: str) -> list[Finding]:
        """Judge whether a routine is ready for its next slot, and write the answer down."""
        routine = self.routine(name)
        found = ready.readiness(self.context, routine)
        self.journal.append(events.ROUTINE_JUDGED, {"routine": routine.name, "findings": encode(found)})
        return found

    def prepare(self, name: str) -> list[Finding]:
        """Prepare the slot of a routine that comes next, and publish it: see `engine.prepare`."""
        return prepare.prepare(self.context, self.routine(name))

    def sign_requirement(self, name: str, item: str, by: str, text: str, *, yes: bool) -> None:
        """Write down that a person signs, or declines, what a routine requires for its next run."""
        routine = self.routine(name)
        found = next((one for one in routine.requires if one.name == item and one.signed), None)
        if found is None:
            known = ", ".join(one.name for one in routine.requires if one.signed) or "none"
            raise Refused("the routine requires no such signature", on=f"{name} {item}", because=f"to be signed: {known}")
        if found.by and by not in found.by:
            raise Refused("it is for others to sign", on=item, because=f"by {', '.join(found.by)} ({found.origin})")
        said = {"routine": name, "item": item, "asked": found.signed, "by": by, "yes": yes, "text": text}
        self.journal.append(events.ROUTINE_SIGNED, said)

    def why(self, id: str) -> tuple[Any, Plan]:
        """Return the facts that a task sees now, and what it decides from them."""
        task = config.task(self.site, registry, id)
        with observe.session(self.context, task, Door(task.target.place)) as session:
            facts = self.context.task_kind(task).observe(session)
        return facts, plan.make(self.context, task, facts, f"why.{id}")

    def runs(self, count: int, routine: str = "") -> list[RunRecord]:
        """Return the newest runs, of one routine or of all, newest first."""
        return queries.of_routine(self.journal, routine, count) if routine else queries.recent(self.journal, count)

    def history(self, targets: Iterable[str], days: int, names: Sequence[str] | None = None) -> dict[str, dict[str, Series]]:
        """Return figures of targets, of all by default, as far back as asked for; all figures without `names`."""
        since = clock.now() - timedelta(days=days)
        return {name: self.context.samples.history(name, since, names) for name in self._targets(targets)}

    def unsettled(self) -> list[RunRecord]:
        """Return the runs of which something may still be owed."""
        return queries.unsettled(self.journal)

    def run_record(self, id: str) -> RunRecord:
        """Return the record of a run; `last` is the newest."""
        if id == "last" and (newest := self.runs(1)):
            return newest[0]
        record = runs.load(self.journal, id)
        if record is None:
            raise Refused("no such run", on=id, next="mainstay runs")
        return record

    # Doing

    def run(self, what: str | Routine, how: road.Launch, params: Mapping[str, Any] | None = None) -> RunRecord:
        """Run a routine or a single task; of an emergency, people are told before anything is done."""
        if how.emergency:
            how = replace(how, tell=self._tell)
        return road.launch(self.context, what if isinstance(what, Routine) else self.routine(what, params), how)

    def resume(self, id: str) -> RunRecord:
        """Go on with a run whose owner is gone, or that has its answer."""
        return recover.resume(self.context, id)

    def roll_back(self, id: str) -> RunRecord:
        """Take back every change of a run that is not settled."""
        return recover.roll_back(self.context, id, getpass.getuser())

    def sweep(self, every: Duration | None = None) -> list[RunRecord]:
        """Settle whatever can be settled without a person; with `every`, tell that it is done again and again, that often.

        Whoever does that also delivers: what has to stay as it is needs people, and there may be no service to call them.
        """
        self._beat(every)
        swept = recover.sweep(self.context)
        self._beat(every)
        if every and self.site.channels:
            with suppress(Refused):  # another process delivers
                self.deliver()
        if every:
            from mainstay.notify import ping

            ping.ping(self.site, clock.now())
        return swept

    def bracket(self, what: str, params: Mapping[str, Any]) -> Task:
        """Return the bracket that a target has, or the one of that task id, with those of the parameters that it knows."""
        known = self.context.kind(self.site.targets[self._targets([what.partition(".")[0]])[0]]).tasks
        names = [task.name for task in known if task.bracket]
        target, _, name = what.partition(".")
        if not name and len(names) == 1:
            name = names[0]
        if name not in names:
            held = ", ".join(f"{target}.{one}" for one in names) or "none of its tasks stays in force around others"
            raise ConfigError(f"no mode {what!r}", next=f"of {target}: {held}")
        takes = {field.name for field in fields(self.context.kind(self.site.targets[target]).task(name).params)}
        given = {key: value for key, value in params.items() if key in takes}
        return config.task(self.site, registry, f"{target}.{name}", given)

    def modes(self) -> list[Mode]:
        """Return every bracket of the site, as the journal knows it."""
        open_ = [(run, id) for run in self.unsettled() for id in owed.open_brackets(run)]
        held = {id: Mode(id, run.id, run.standing is not None, run.standing, _why(run)) for run, id in open_}
        targets = self.site.targets.values()
        ids = (f"{target.name}.{one.name}" for target in targets for one in self.context.kind(target).tasks if one.bracket)
        return [held.get(id, Mode(id)) for id in ids]

    def guarded(self) -> bool:
        """Tell whether somebody settles runs again and again."""
        return heartbeat.alive(self.site.state, clock.now())

    def standing(self, task: str) -> RunRecord | None:
        """Return the run by which a bracket is in force by hand; None when it is not."""
        return standing.of_target(self.context, task)

    def mode_on(self, what: str, lasts: Duration, reason: str, banner: str | None = None) -> RunRecord:
        """Put a bracket in force by hand; Refused while it is already. With `banner` users read that, as of an emergency."""
        given = {"lasts": str(lasts), "reason": encoding.dumps(reason if banner is None else banner)}
        given |= {"emergency": "true"} if banner is not None else {}
        task = self.bracket(what, given)
        if known := standing.of_target(self.context, task.id):
            raise Refused("it is in force already", on=task.id, because=known.because, next=f"mainstay mode off {task.id}")
        routine = Routine(task.id, (), around=(task,), origin=task.origin)
        return road.launch(self.context, routine, road.Launch(stands=road.Standing(lasts, reason)))

    def mode_off(self, what: str, by: str, text: str) -> RunRecord:
        """Lift a bracket that is in force by hand."""
        known = standing.of_target(self.context, self.bracket(what, {}).id)
        if known is None:
            raise Refused("it is not in force by hand", on=what, next="mainstay mode status")
        if not known.ended:  # else it was tried before, and failed
            self.cancel(known.id, by, text)
        return recover.resume(self.context, known.id)

    def settle(self, id: str, by: str, text: str) -> RunRecord:
        """Write down that a person takes it from here."""
        return recover.settle(self.context, id, by, text)

    def cancel(self, id: str, by: str, text: str) -> None:
        """Ask the owner of a run to stop; it looks once a second."""
        if self.run_record(id).ended:
            raise Refused("the run has ended", on=id, next=f"mainstay show {id}")
        self.journal.append(events.RUN_CANCELLED, {"by": by, "text": text}, run=id)

    def begin_item(self, id: str, task: str, by: str, text: str) -> None:
        """Write down that a person begins the item that a parked run waits for; from then on it is timed."""
        record = self._waits_for(id, task)
        if record.ended or _begun(record, task):
            raise Refused("it was begun before", on=f"{id} {task}", next=f"mainstay sign {id} {task}")
        self.journal.append(events.RUN_BEGUN_BY, {"by": by, "text": text}, run=id, task=task)

    def sign(self, id: str, task: str, by: str, text: str, *, yes: bool) -> None:
        """Answer an item that a parked run waits for, or review what a task of a run that has ended did."""
        record = self._waits_for(id, task)
        if yes and self._unbegun(record, task):
            raise Refused("nobody has begun it", on=f"{id} {task}", next=f"mainstay sign {id} {task} --begin")
        self.journal.append(events.RUN_SIGNED, {"by": by, "yes": yes, "text": text}, run=id, task=task)

    def _unbegun(self, record: RunRecord, id: str) -> bool:
        """Tell whether an item that a person does, and has to begin, was not begun."""
        item, target = record.task(id), self.site.targets.get(record.task(id).target)
        if target is None or item.level != "manual" or record.ended:
            return False
        return self.context.kind(target).task(item.name).waits and not _begun(record, id)

    def _waits_for(self, id: str, task: str) -> RunRecord:
        record = self.run_record(id)
        waiting = [one.id for one in record.tasks if one.status is Status.WAITING]
        if task not in (owed.unreviewed(record) if record.ended else waiting):
            raise Refused(
                "the run does not wait for that item", on=f"{id} {task}", because=record.because, next=f"mainstay show {id}"
            )
        return record

    def reviewed(self, id: str) -> RunRecord:
        """Take in what a person said of a run that has ended."""
        return recover.reviewed(self.context, id)

    def answer(self, id: str, by: str, text: str, *, yes: bool) -> None:
        """Say whether the step happened of which nobody else can tell."""
        record = self.run_record(id)
        unknown = [(task.id, step.step.id) for task in record.tasks for step in task.steps if step.status is Status.UNKNOWN]
        if not unknown:
            raise Refused("no step of the run is unknown", on=id, next=f"mainstay show {id}")
        for task, step in unknown:
            self.journal.append(events.RUN_ANSWERED, {"by": by, "yes": yes, "step": step, "text": text}, run=id, task=task)

    def deliver(self, stop: Event | None = None) -> Delivered:
        """Deliver the notices that are owed; with `stop`, go on until it is set."""
        from mainstay.notify import deliver

        return deliver.deliver(self.context, stop)

    def routine(self, name: str, params: Mapping[str, Any] | None = None) -> Routine:
        """Return a routine of the configuration, or one made of a single task."""
        if name in self.site.routines and not params:
            return self.site.routines[name]
        if "." not in name:
            raise ConfigError(f"there is no routine {name!r}", next=nearest(name, self.site.routines))
        task: Task = config.task(self.site, registry, name, params)
        return Routine(name, (task,), origin=task.origin)

    def listening(self, listener: Listener) -> App:
        """Return the same site with somebody who listens."""
        other = App(self.site, listener, self._wish)
        other.__dict__["context"] = replace(self.context, listener=listener)
        return other

    def with_site(self, site: Site) -> App:
        """Return another configuration with the same memory."""
        other = App(site, self._listener, self._wish)
        other.__dict__["context"] = replace(self.context, site=site)
        return other

    def _tell(self, emergency: str) -> str:
        """Tell people of an emergency at once; return how that went."""
        from mainstay.notify import urgent

        return urgent.tell(self.context, f"emergency:{emergency}")

    def _beat(self, every: Duration | None) -> None:
        if every:
            heartbeat.beat(self.context.site.state, clock.now(), every)

    def _targets(self, wanted: Iterable[str]) -> list[str]:
        names = list(wanted) or list(self.site.targets)
        for name in names:
            if name not in self.site.targets:
                raise ConfigError(f"there is no target {name!r}", next=nearest(name, self.site.targets))
        return names


def _begun(record: RunRecord, item: str) -> bool:
    return any(one.act == "began" and one.on == item for one in record.remarks)


def _why(run: RunRecord) -> str:
    return run.because if run.standing and run.because else f"in force around {run.routine}, by run {run.id}"
