"""Deliver what is owed: read the journal on, look at the calendar, and empty every lane, each in a thread of its own."""

from __future__ import annotations

import random
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from mainstay.engine.context import Context
from mainstay.ledger import events
from mainstay.ledger.events import Event
from mainstay.model.channel import Channel
from mainstay.model.errors import ConfigError, MainstayError
from mainstay.model.notice import Delivery, Lane, Notice
from mainstay.model.task import Lock, Site
from mainstay.notify import calendar, digest, occasion, render, send
from mainstay.notify.outbox import Outbox
from mainstay.report.document import clean
from mainstay.system import clock, locks

LOCK = "outbox"
NEW = timedelta(days=1)  # how far back a new outbox looks
OLD = timedelta(days=7)  # beyond that, what nobody delivered is no news
ATTEMPTS = 300  # about three days of them, then it is given up
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Pace:
    """How often is looked and tried, in seconds: the first pause after a failure doubles until it is `most`."""

    look: float = 1
    calendar: float = 30
    first: float = 5
    most: float = 900
    leave: float = 8  # what a delivery that is under way gets when the loop is to stop
    hurry: bool = False  # no pause after a failure is waited for; nothing is tried twice


@dataclass(frozen=True)
class Delivered:
    """What one pass did."""

    sent: int = 0
    failed: int = 0
    owed: int = 0


def deliver(context: Context, stop: threading.Event | None = None, pace: Pace = Pace()) -> Delivered:
    """Deliver what is owed now and return; with `stop`, go on until it is set, and return some seconds later at most.

    Raises Refused when another process delivers for this site.
    """
    held = locks.acquire(context.locks, Lock(LOCK), "the outbox")
    try:
        outbox = Outbox(context.site.state)
        post = Post(context, outbox, pace)
        try:
            return post.once() if stop is None else post.until(stop)
        finally:
            if not post.busy:  # else a delivery that outlasts us still records what became of it
                outbox.close()
    finally:
        held.release()


class Post:
    """The outbox of a site and its lanes."""

    def __init__(self, context: Context, outbox: Outbox, pace: Pace) -> None:
        self._context, self._outbox, self._pace = context, outbox, pace
        self._work: dict[Lane, Future[tuple[int, int]]] = {}
        self._stop = threading.Event()
        self._sent = self._failed = 0
        self._looked = float("-inf")

    @property
    def busy(self) -> bool:
        """Whether a delivery is still under way."""
        return any(not done.done() for done in self._work.values())

    def once(self) -> Delivered:
        """Read on, look at the calendar, and empty the lanes as far as they take it."""
        self._read_on()
        self.empty()
        return Delivered(self._sent, self._failed, len(self._outbox.troubled(clock.now())))

    def empty(self) -> None:
        """Empty the lanes; what happens while a slow one is at work is told through the others meanwhile."""
        self._start()
        while self._work:
            self._gather(wait=self._pace.look)
            if self._work:
                self.collect()
                self._start(untried=True)

    def until(self, stop: threading.Event) -> Delivered:
        """Do so again and again."""
        while not stop.is_set():
            self._read_on()
            self._start()
            stop.wait(self._pace.look)
            self._gather(wait=0)
        self._stop.set()
        self._gather(wait=self._pace.leave)
        return Delivered(self._sent, self._failed, len(self._outbox.troubled(clock.now())))

    def _read_on(self) -> None:
        """Turn new events into notices; the calendar writes events of its own, which are read like all others."""
        self.collect()
        if clock.monotonic() - self._looked >= self._pace.calendar and self._context.site.channels:
            self._looked = clock.monotonic()
            self._outbox.forget(clock.now())
            for one in calendar.owed(self._context, clock.now()):
                self._context.journal.append(events.NOTICE_OWED, one.body(), task=one.key)
            self.collect()

    def collect(self) -> None:
        """Turn the events that nobody has read yet into notices."""
        now, reached = clock.now(), self._outbox.reached()
        since = now - (NEW if reached is None else OLD)
        found = list(self._context.journal.events(after=reached or 0))
        if reached is None or found:
            seq = found[-1].seq if found else 0
            fresh = (self._told(event) for event in found if event.at > since)
            self._outbox.add(seq, [told for told in fresh if told], now)

    def _told(self, event: Event) -> tuple[Notice, list[Lane]] | None:
        site = self._context.site
        found = occasion.of(self._context, event)
        if found is None:
            return None
        only = event.task if event.kind == events.ALERT_TESTED else ""
        return render.notice(site, found), listeners(site, found.sort, only)

    def _start(self, *, untried: bool = False) -> None:
        """Give every lane in which something is owed a thread, unless it has one."""
        for lane in self._outbox.lanes(untried=untried):
            if lane not in self._work:
                done: Future[tuple[int, int]] = Future()
                self._work[lane] = done
                threading.Thread(target=self._drain, args=(lane, done), name=str(lane), daemon=True).start()

    def _gather(self, wait: float) -> None:
        """Take the results of lanes that are done; those that are not after `wait` seconds stay at work."""
        until = clock.monotonic() + wait
        for lane, done in list(self._work.items()):
            if done.done() or until > clock.monotonic():
                try:
                    sent, failed = done.result(max(0.0, until - clock.monotonic()))
                except TimeoutError:
                    continue
                del self._work[lane]
                self._sent, self._failed = self._sent + sent, self._failed + failed

    def _drain(self, lane: Lane, done: Future[tuple[int, int]]) -> None:
        sent = failed = 0
        try:
            last: list[Delivery] = []
            while not self._stop.is_set() and (batch := self._next(lane)):
                if self._pace.hurry and last and batch[0].number == last[0].number:
                    break
                last, ok = batch, self._offer(batch)
                sent, failed = sent + ok * len(batch), failed + (not ok)
        except MainstayError as error:  # the outbox cannot be written: the caller is told
            done.set_exception(error)
        else:
            done.set_result((sent, failed))
        finally:
            done.cancel()  # has no effect unless a bug ended this thread, which nobody may wait for

    def _next(self, lane: Lane) -> list[Delivery]:
        """Return what is to be sent now: the oldest, if its pause is over and the hour has room; or several as one."""
        found, now, channel = self._outbox.owed(lane), clock.now(), self._context.site.channels.get(lane.channel)
        if not found or channel is None:
            return found[:1]
        pause = found[0].due - now
        if not self._pace.hurry and timedelta() < pause <= timedelta(seconds=self._pace.most * 2):  # else the clock was set back
            return []
        room = channel.shape.hourly - self._outbox.sent_since(lane, now - _HOUR)
        return digest.batch(found, room, hurry=self._pace.hurry)

    def _offer(self, found: list[Delivery]) -> bool:
        """Offer one message, and record what became of it; returns whether it was taken."""
        lane, now, site = found[0].lane, clock.now(), self._context.site
        channel = site.channels.get(lane.channel)
        if channel is None or lane not in send.lanes(channel):
            self._outbox.ended(found, "failed", now, "the configuration no longer has this channel or recipient")
            return False
        for one in (late := [one for one in found if one.notice.until and one.notice.until <= now]):
            self._outbox.ended([one], "expired", now, one.because or "nobody delivered it in time")
        fresh = [one for one in found if one not in late]
        return bool(fresh) and self._hand_over(channel, fresh)

    def _hand_over(self, channel: Channel, found: list[Delivery]) -> bool:
        site, lane = self._context.site.name, found[0].lane
        try:
            receipt = send.send(channel, lane, site, digest.together(site, [one.notice for one in found]))
        except send.Never as error:
            self._outbox.ended(found, "failed", clock.now(), reason(error))
        except MainstayError as error:
            self._again(found[0], reason(error), error.pause if isinstance(error, send.Busy) else 0)
        else:
            self._outbox.ended(found, "sent", clock.now(), receipt)
            return True
        return False

    def _again(self, delivery: Delivery, because: str, asked: float) -> None:
        now = clock.now()
        if delivery.attempts + 1 >= ATTEMPTS:
            self._outbox.ended([delivery], "failed", now, f"given up after {ATTEMPTS} attempts: {because}")
            return
        pause = min(self._pace.most, self._pace.first * 2 ** min(delivery.attempts, 20)) * random.uniform(0.75, 1.25)
        pause = max(pause, min(asked, self._pace.most))
        self._outbox.later(delivery, now + timedelta(seconds=pause), because)


def listeners(site: Site, sort: str, only: str = "") -> list[Lane]:
    """Return the lanes of the channels that get a sort of notice, or of that one alone, whatever it gets."""
    wanted = (one for one in site.channels.values() if (one.name == only if only else sort in one.shape.gets))
    return [lane for channel in wanted for lane in send.lanes(channel)]


def trial(site: Site, now: datetime) -> Notice:
    """Return a notice that tells nothing but that a channel works."""
    head = f"{site.name}: a test of this channel"
    text = "This is a test of Mainstay's notices. Nothing happened, and nothing is to be done."
    return Notice(f"test:{now.isoformat()}", "status", now, head, text)


def reason(error: MainstayError) -> str:
    """Say in one line why; secrets are in no error."""
    parts = [error.what, f"({error.on})" if error.on else ""]
    line = " ".join(part for part in parts if part) + (f": {error.because}" if error.because else "")
    return clean(line if not isinstance(error, ConfigError) else str(error).splitlines()[0], 300)
