"""ALTER SYSTEM: one setting at a time, and the server's word that it has heard of it."""

from __future__ import annotations

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.statement import statement
from mainstay.kinds.postgres.tuning.parameters import Parameter, look_parameters
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Step
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

SET = statement("ALTER SYSTEM SET {setting} = {value}")
RESET = statement("ALTER SYSTEM RESET {setting}")
RELOAD = statement("SELECT pg_reload_conf()")
_HEARD = Duration(10)  # the server's processes read the files when they are told to, one after the other


def write(session: Session, step: Step, deadline: Deadline) -> None:
    """Write the value of a step."""
    _alter(session, step, step.args["value"], deadline)
    _wait(session, step, step.args["number"], deadline)


def put_back(session: Session, step: Step, deadline: Deadline) -> None:
    """Write the entry that was there before the step, or none; not over what somebody else has written meanwhile."""
    now, ours = look_parameters(session, step.on).entry(step.args["name"]), step.args["value"]
    if now not in (ours, step.args["previous"]):
        raise StepFailed(
            "somebody else has changed the setting", on=step.args["name"], because=f"it is {now}, not {ours}", next="ALTER SYSTEM"
        )
    _alter(session, step, step.args["previous"], deadline)
    _wait(session, step, step.args["active"], deadline)


def _alter(session: Session, step: Step, value: str | None, deadline: Deadline) -> None:
    name = (step.args["name"],)
    with session.connection.acting(session, deadline) as act:
        if value is None:
            act.execute(RESET, setting=name)
        else:
            act.execute(SET, setting=name, value=value)
        act.execute(RELOAD)


def _wait(session: Session, step: Step, number: float, deadline: Deadline) -> None:
    """Return when the value is in force or waits for a restart; `verify` says what is so in the end."""
    heard = Deadline(Duration(min(_HEARD, deadline.left)))
    while heard.left and not _settled(session.connection.read(Parameter), step.args["name"], number):
        session.pulse(deadline)
        clock.sleep(0.05)


def _settled(parameters: tuple[Parameter, ...], name: str, number: float) -> bool:
    return any(one.name == name and (one.number == number) != one.pending for one in parameters)
