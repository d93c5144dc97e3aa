"""The write-ahead log of a PostgreSQL server: received or pushed into its archive; and recovery to a point in time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mainstay.cli import call
from mainstay.cli.repository import words
from mainstay.model.errors import ConfigError, Refused

if TYPE_CHECKING:
    from mainstay.model.target import Target

KIND = "postgres"
Server = Annotated[str, typer.Argument(metavar="TARGET", help="The server, as the configuration names it.")]

app = call.command()
group = call.command(
    "wal",
    help="""Archive the write-ahead log of a PostgreSQL server.

With base backups it leads to any moment: mainstay restore TARGET --to-time. One of the two commands brings it in: `receive`
runs all the time, as a service; `push` is what the server's archive_command calls.

\b
mainstay wal receive db
mainstay wal push db pg_wal/000000010000000000000007
""",
)
app.add_typer(group)


@group.command()
def receive(
    target: Server,
    synchronous: Annotated[bool, typer.Option("--synchronous", help="Be as durable as a synchronous standby.")] = False,
    from_now: Annotated[bool, typer.Option("--from-now", help="Accept a gap: begin at the present position.")] = False,
) -> None:  # fmt: skip
    """Receive the log as it is written, until stopped.

    Runs in the foreground, for a systemd unit or a container. It connects again when the connection ends, and goes on without
    a gap after a crash: its replication slot makes the server keep what was not received.

    \b
    mainstay wal receive db
    """
    import signal
    import threading

    from mainstay.kinds.postgres.recovery.receiving import Receiver

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    Receiver(_target(target), stopped.is_set, _log, synchronous, from_now).run()


@group.command()
def push(
    target: Server,
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The finished file, as archive_command has it: %p.")],
) -> None:
    """Archive one finished file, for archive_command.

    It is durable when this ends well. A file of that name with another content is never written over; the same content again
    is no mistake.

    \b
    mainstay wal push db pg_wal/000000010000000000000007
    """
    from mainstay.kinds.postgres.recovery.receiving import push

    push(_target(target), path)


def recover(target: str, params: dict[str, Any], *, dry: bool) -> None:
    """Recover a server to a point in time; one that cannot be reached is refused, with what can be."""
    from mainstay.cli import doing
    from mainstay.cli.stop import Wish
    from mainstay.engine.run import Launch

    wish = Wish()
    site = call.opened(wish)
    given = {name: value for name, value in params.items() if value}
    if "to_time" in given:
        given["to_time"] = _moment(given["to_time"], site.site.timezone)
    routine = site.routine(f"{target}.recover", words(given))
    forecast = site.forecast(routine)
    if forecast.plans and not any(plan.steps for plan in forecast.plans):
        because = "; ".join(str(one.because) for plan in forecast.plans for one in plan.skips)
        raise Refused("this cannot be recovered", on=target, because=because)
    if dry:
        doing.show_plan(site, forecast)
        return
    with wish.heard(), doing.listening(site) as live:
        record = live.run(routine, Launch())
    doing.conclude(record, site)
    call.say("\n".join(step.output for task in record.tasks for step in task.steps if step.output))
    raise typer.Exit(doing.exit_code(record))


def _moment(text: str, timezone: str) -> str:
    """Return a moment with its zone, by default that of the site."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"--to-time: {text!r} is no moment", next="write 2026-11-27 02:15:00+01") from error
    return str(at if at.tzinfo else at.replace(tzinfo=ZoneInfo(timezone)))


def _log(line: str) -> None:
    """Print a line at once: a log has to have it even when this process is killed next."""
    import sys

    call.say(line)
    sys.stdout.flush()


def _target(name: str) -> Target:
    from mainstay import config
    from mainstay.kinds import registry

    known = {one.name: one for one in config.load(call.configuration(), registry).targets.values() if one.kind == KIND}
    if name not in known:
        raise ConfigError(f"there is no target {name!r} of kind {KIND}", next=f"known: {', '.join(known)}")
    return known[name]
