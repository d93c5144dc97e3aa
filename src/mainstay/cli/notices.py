"""How notices stand, for commands that only read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from mainstay.ledger import heartbeat
from mainstay.ledger.drills import Drill
from mainstay.model.errors import ConfigError, Mistake
from mainstay.model.notice import Delivery
from mainstay.model.setting import SecretRef
from mainstay.model.target import Origin
from mainstay.model.task import Site
from mainstay.notify import outbox
from mainstay.report.document import Paragraph, plural
from mainstay.system import secrets

_RECENT = timedelta(days=7)


@dataclass(frozen=True)
class NoticeState:
    """What is owed and what has failed lately; `because` is the reason of the oldest that is in trouble."""

    channels: int = 0
    owed: int = 0
    failed: int = 0
    channel: str = ""
    because: str = ""
    unheard: tuple[str, ...] = ()  # channels whose newest test nobody has confirmed in time
    silent: str = ""  # why the newest call of the heartbeat failed


def state(site: Site, now: datetime, drills: Iterable[Drill] = ()) -> NoticeState:
    """Return how the notices of a site stand, and the newest test of each channel."""
    found = outbox.troubles(site.state, now - _RECENT)
    counts = Counter(one.state for one in found)
    worst = next((one for one in found if one.because), None)
    channel, because = (str(worst.lane), worst.because) if worst else ("", "")
    unheard = tuple(one.channel for one in drills if one.unheard(now) and one.channel in site.channels)
    pinged = heartbeat.pinged(site.state) if site.heartbeat else None
    silent = pinged.because if pinged else ""
    return NoticeState(len(site.channels), counts["owed"], counts["failed"], channel, because, unheard, silent)


def lines(state: NoticeState) -> tuple[Paragraph, ...]:
    """Tell it in one line, and what is wrong with the alert path in one each."""
    found = [_line(state)]
    if state.unheard:
        words = f"Nobody has confirmed the test of {', '.join(state.unheard)} → mainstay notify drill"
        found.append(Paragraph(words, "warn"))
    if state.silent:
        found.append(Paragraph(f"Heartbeat: the monitor outside is not called: {state.silent}", "warn"))
    return tuple(found)


def _unreadable(value: object, path: str, origin: Origin) -> Iterator[Mistake]:
    """Say what is wrong with the file of a secret; whoever may not read it cannot tell."""
    if isinstance(value, SecretRef) and value.source == "file":
        try:
            secrets.resolve(value)
        except ConfigError as error:
            if not isinstance(error.__cause__, PermissionError):
                yield Mistake(origin, path, error.what, error.next)


def _line(state: NoticeState) -> Paragraph:
    if not state.channels:
        return Paragraph("Notices: no channel, nobody is told when a run fails. → docs/how-to/send-notices.md", "warn")
    if not state.owed and not state.failed:
        return Paragraph(f"Notices: {plural(state.channels, 'channel')}, nothing is owed.", "muted")
    told = f"Notices: {state.owed} owed, {state.failed} failed"
    trouble = f"; {state.channel}: {state.because}" if state.because else ""
    return Paragraph(f"{told}{trouble} → mainstay notify list", "warn" if state.because else "")


def risks(site: Site, now: datetime) -> Iterator[Mistake]:
    """Yield a warning for every channel that has not taken a notice lately, or whose secret cannot be had, with its line."""
    for name, channel in site.channels.items():
        for key, origin in channel.origins.items():
            yield from _unreadable(getattr(channel.shape.way, key.rpartition(".")[2], None), f"notify.{name}.{key}", origin)
    newest: dict[str, Delivery] = {one.lane.channel: one for one in outbox.troubles(site.state, now - _RECENT) if one.because}
    for name, channel in site.channels.items():
        if name in newest and channel.origin:
            found = newest[name]
            problem = f"a notice was not delivered to {found.lane}: {found.because}"
            yield Mistake(channel.origin, f"notify.{name}", problem, "mainstay notify list")
