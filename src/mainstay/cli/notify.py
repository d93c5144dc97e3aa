"""Telling people: test, list, send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Json

if TYPE_CHECKING:
    from mainstay.model.notice import Delivery
    from mainstay.model.task import Site
    from mainstay.report.document import Document, Tone

Channel = Annotated[
    str,
    typer.Argument(
        metavar="CHANNEL",
        help="Only this one; all without it.",
        autocompletion=call.completed(lambda site: [*site.site.channels]),
    ),
]

app = call.command()
group = call.command("notify", help="Tell people: try a channel, test the alert path, see what is owed, deliver it.")
app.add_typer(group)


@group.command("test")
def try_out(
    channel: Channel = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print exactly what would be sent.")] = False,
) -> None:
    """Send a test through every channel, past the outbox.

    Each channel, and each recipient of a mail channel, gets one message that says it is a test. What the other side answered
    is told at once; exits with 4 when one did not take it.

    \b
    mainstay notify test
    mainstay notify test mail --dry-run
    """
    from mainstay.config.mistakes import nearest
    from mainstay.model.errors import ConfigError, MainstayError, Unreachable
    from mainstay.notify import deliver, send

    site = call.opened().site
    if channel and channel not in site.channels:
        raise ConfigError(f"there is no channel {channel!r}", next=nearest(channel, site.channels))
    if not site.channels:
        raise ConfigError("there is no channel", next="add one to `notify:`, see docs/how-to/send-notices.md")
    notice, missed = deliver.trial(site, call.now(site)), []
    for one in [site.channels[channel]] if channel else site.channels.values():
        for lane in send.lanes(one):
            if dry_run:
                call.say(f"to {lane}:\n{send.written(one, lane, site.name, notice)}")
                continue
            try:
                receipt = send.send(one, lane, site.name, notice)
                call.say(f"{lane}: taken ({receipt})")
            except MainstayError as error:
                call.say(f"{lane}: {error}")
                missed.append(str(lane))
    if missed:
        raise Unreachable("not every channel took the test", on=", ".join(missed))


@group.command("list")
def listed(as_json: Json = False) -> None:
    """List what is owed, sent, failed and expired, with reasons.

    One line for each notice and recipient, the newest first, of the last 90 days. What is owed is tried again with growing
    pauses, in order; what has failed was refused for good, and is not tried again.

    \b
    mainstay notify list
    mainstay notify list --json
    """
    from contextlib import closing

    from mainstay.cli import asking
    from mainstay.config.outline import outline
    from mainstay.notify import outbox

    site = outline(call.configuration())
    asking.require_open(site)
    found: list[Delivery] = []
    if outbox.path_of(site.state).exists():
        with closing(outbox.Outbox(site.state)) as box:
            found = box.all()
    if as_json:
        call.show_json("notices/1", {"site": site.name, "at": call.now(site), "deliveries": [_told(one) for one in found]})
    else:
        call.show(_document(site, found))


@group.command("send")
def deliver_now() -> None:
    """Deliver what is owed now, and end.

    For a timer or cron, every minute: it reads what has happened since the last time, looks at the calendar for lead times,
    status times and overruns, and sends. What is not taken is tried again by a later call. Exits with 4 when something was
    not taken, with 3 when another process delivers already.

    \b
    mainstay notify send
    """
    from mainstay.model.errors import Unreachable
    from mainstay.report.document import plural

    done = call.opened().deliver()
    call.say(f"{plural(done.sent, 'notice')} sent, {done.owed} owed")
    if done.failed:
        raise Unreachable(
            "not everything was taken", because=f"{plural(done.failed, 'attempt')} failed", next="mainstay notify list"
        )


@group.command()
def drill(
    channel: Channel = "",
    within: Annotated[str, typer.Option("--within", metavar="TIME", help="How long to wait until each has taken it.")] = "60s",
    name: call.Name = "",
) -> None:
    """Test the alert path end to end, through every channel.

    A synthetic alert goes the way of every other: journal, outbox, channel. What the other side answered is told: 250 and the id
    of the message, or the status. A channel with `confirm` carries a code: who reads it says so by `mainstay notify ack`. Exits
    with 4 when a channel has not taken it in time, with 1 when nobody has confirmed an earlier test. For a weekly routine.

    \b
    mainstay notify drill
    mainstay notify drill pager --within 5m
    """
    from mainstay.cli import drilling, when

    drilling.drilled(call.opened(), channel, when.duration(within), call.person(name))


@group.command()
def ack(code: Annotated[str, typer.Argument(metavar="CODE", help="The code that the alert had.")], name: call.Name = "") -> None:
    """Say that the alert of a drill was read.

    The code is in the alert alone: whoever says it has read it.

    \b
    mainstay notify ack 7KQ2MD
    """
    from mainstay.notify import drill

    found = drill.heard(call.opened().context, code, call.person(name))
    late = "" if found.heard and found.heard <= found.until else ", which is late"
    call.say(f"{found.channel} was heard by {found.heard_by}{late}")


def _told(one: Delivery) -> dict[str, object]:
    notice = {"notice": one.notice.id, "sort": one.notice.sort, "subject": one.notice.subject, "at": one.notice.at}
    state = {"state": one.state, "attempts": one.attempts, "due": one.due, "ended": one.ended, "because": one.because}
    return {**notice, "channel": one.lane.channel, "recipient": one.lane.recipient, **state}


def _document(site: Site, found: list[Delivery]) -> Document:
    from mainstay.report.document import Cell, Document, Paragraph, Section, plural, table
    from mainstay.report.quantity import ago

    tones: dict[str, Tone] = {"owed": "warn", "sent": "good", "failed": "bad", "expired": "muted"}
    now = call.now(site)
    rows = [
        (
            Cell(one.state, tones[one.state]),
            Cell(ago(one.notice.at, now)),
            Cell(str(one.lane)),
            Cell(one.notice.subject + (f" [{one.because}]" if one.because else "")),
        )
        for one in reversed(found)
    ]
    empty = Paragraph("Nothing was to be told yet.", "muted")
    counted = ", ".join(f"{count} {state}" for state in tones if (count := sum(one.state == state for one in found))) or plural(
        len(site.channels), "channel"
    )
    content = table(("", "#ago", "to", "notice"), rows) if rows else empty
    trouble = any(one.because and one.state in ("owed", "failed") for one in found)
    badge = Cell("not everything was taken", "bad") if trouble else Cell("well", "good")
    return Document(f"Notices of {site.name}", badge, counted, sections=(Section("", (content,)),))
