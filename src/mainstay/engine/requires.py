"""What a routine requires before it may start: what persons sign for its next run, and what the journal or a look proves."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.engine import observe
from mainstay.engine.context import Context
from mainstay.engine.rehearse import Rehearser
from mainstay.ledger import database, events, queries
from mainstay.model.because import Level, because
from mainstay.model.errors import Refused
from mainstay.model.rehearsal import asked
from mainstay.model.run import Status
from mainstay.model.task import Requirement, Routine
from mainstay.model.units import Duration
from mainstay.system import clock

_WELL = (Status.OK, Status.CHANGED)
_RUNS = 20  # runs of the routine that may have used up a signature


def enforce(context: Context, routine: Routine, run: str) -> None:
    """Raise Refused with everything that is missing."""
    missing = [(one, why) for one in routine.requires for why in lacking(context, routine, one, run)]
    if missing:
        told = "; ".join(f"{one.name}: {why}" for one, why in missing)
        raise Refused("what it requires is missing", on=routine.name, because=told, next=f"mainstay ready {routine.name}")


def lacking(context: Context, routine: Routine, one: Requirement, run: str = "") -> Iterator[str]:
    """Yield every reason why a requirement is not met; `run` is the run that is to start, or goes on."""
    if one.signed and (why := _unsigned(context, routine, one, run)):
        yield why
    for target in one.proven:
        yield from _unproven(context, one, target)
    if one.rehearsed:
        yield from _unrehearsed(context, routine, one)
    for task in one.done:
        yield from _undone(context, one, task.id)
    for task in one.checks:
        record = observe.check(context, task).record
        if record.status is not Status.OK:
            yield from (f"{task.id}: {found}" for found in record.findings if found.level > Level.OK)
            if not record.findings:
                yield f"{task.id}: {record.because or record.status}"


def way(routine: Routine, one: Requirement) -> str:
    """Return what to do about a requirement that is not met."""
    if one.signed:
        return f"mainstay ready {routine.name} --sign {one.name} --name NAME"
    if one.rehearsed:
        return f"mainstay rehearse {routine.name}"
    if one.done:
        return f"mainstay run {one.done[0].id}"
    return "prove a copy of it anew" if one.proven else f"mainstay check {one.checks[0].target.name}"


def _unsigned(context: Context, routine: Routine, one: Requirement, run: str) -> str:
    """Return why a signature is missing: it counts for the text that was signed, and for one run."""
    said = [event for event in context.journal.events(kinds=(events.ROUTINE_SIGNED,)) if _is_of(event.body, routine, one)]
    if not said:
        return f"nobody has signed: {one.signed}"
    newest = said[-1]
    by, age = newest.body["by"], Duration((clock.now() - newest.at).total_seconds())
    if not newest.body["yes"]:
        return f"{by} declined: {newest.body['text'] or one.signed}"
    if age > one.within:
        return str(because(f"age of the signature of {by}", age, ">", one.within, "within").at(one.origin))
    used = [other for other in queries.of_routine(context.journal, routine.name, _RUNS) if other.begun and other.id != run]
    later = next((other.id for other in used if other.began > newest.at), "")
    return f"the signature of {by} was for run {later}" if later else ""


def _is_of(body: dict[str, object], routine: Routine, one: Requirement) -> bool:
    return (body["routine"], body["item"], body["asked"]) == (routine.name, one.name, one.signed)


def _unproven(context: Context, one: Requirement, target: str) -> Iterator[str]:
    at = queries.proven(context.journal, target)
    age = Duration((clock.now() - at).total_seconds()) if at else None
    if age is None:
        yield f"no copy of {target} was ever proven restorable"
    elif age > one.within:
        yield str(because(f"age of the newest proven copy of {target}", age, ">", one.within, "within").at(one.origin))


def _unrehearsed(context: Context, routine: Routine, one: Requirement) -> Iterator[str]:
    """Return why the newest rehearsal of a routine does not count: it failed, had nothing to do, or is out of date."""
    newest = context.journal.ask(database.query("rehearsals"), routine.name)
    now = asked(Rehearser({routine.name: routine}, context.load).pieces()[routine.name])
    if not newest:
        yield f"{routine.name} was never rehearsed"
    elif Status(newest[0].body["status"]) is not Status.CHANGED:
        yield f"the newest rehearsal of {routine.name} is {newest[0].body['status']} in {newest[0].run}"
    elif newest[0].body["rehearses"][1] != now:
        yield f"{routine.name} asks for something else since it was rehearsed in {newest[0].run}"
    elif (age := Duration((clock.now() - newest[0].at).total_seconds())) > one.within:
        yield str(because(f"age of the newest rehearsal of {routine.name}", age, ">", one.within, "within").at(one.origin))


def _undone(context: Context, one: Requirement, task: str) -> Iterator[str]:
    newest = context.journal.ask(database.query("newest_end"), task)
    if not newest:
        yield f"{task} has never run"
    elif Status(newest[0].body["status"]) not in _WELL:
        yield f"{task} is {newest[0].body['status']} in {newest[0].run}"
    elif (age := Duration((clock.now() - newest[0].at).total_seconds())) > one.within:
        yield str(because(f"age of the newest {task}", age, ">", one.within, "within").at(one.origin))
