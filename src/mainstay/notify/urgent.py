"""An emergency is told at once: durably first, then through every channel, for so long as work may wait for it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress

from mainstay.engine.context import Context
from mainstay.model.errors import MainstayError
from mainstay.model.notice import Delivery
from mainstay.model.task import Lock
from mainstay.model.units import Duration
from mainstay.notify.deliver import LOCK, Pace, Post
from mainstay.notify.outbox import Outbox
from mainstay.system import clock, locks

_LOOK = 0.05
_HURRY = Pace(look=0.2, hurry=True)


def tell(context: Context, id: str) -> str:
    """Have the notice of that id in the outbox, offer it for as long as the site allows, and say how far it came.

    Nothing of it keeps anybody from work: what fails is said, and tried again by whoever delivers.
    """
    within = context.site.emergencies.notice_within
    try:
        return _words(offer(context, [id], within).of(id), within)
    except MainstayError as error:
        return f"nobody is told: {error.what}" + (f": {error.because}" if error.because else "")


def offer(context: Context, ids: Sequence[str], within: Duration) -> Outbox:
    """Write down what is to be told, and offer it through every lane; return when these notices were tried, or time is over."""
    outbox = Outbox(context.site.state)
    Post(context, outbox, _HURRY).collect()
    until = clock.Deadline(within)
    threading.Thread(target=_carry, args=(context, outbox, within), name="notices", daemon=True).start()
    while any(_undecided(one) for id in ids for one in outbox.of(id)) and until.left:
        clock.sleep(_LOOK)
    return outbox


def _carry(context: Context, outbox: Outbox, within: Duration) -> None:
    """Offer it through every lane; where another process delivers, that one finds it within a second."""
    with suppress(MainstayError):  # the outbox says what became of each delivery, and why
        held = locks.acquire(context.locks, Lock(LOCK), "the outbox", within)
        try:
            Post(context, outbox, _HURRY).empty()
        finally:
            held.release()


def _undecided(one: Delivery) -> bool:
    return one.state == "owed" and not one.attempts


def _words(found: Sequence[Delivery], within: Duration) -> str:
    """Say it lane by lane."""
    if not found:
        return "nobody is told: no channel gets emergency notices"
    sent = [str(one.lane) for one in found if one.state == "sent"]
    late = [f"{one.lane}: {one.because or f'no answer within {within}'}" for one in found if one.state == "owed"]
    lost = [f"{one.lane}: {one.because}" for one in found if one.state in ("failed", "expired")]
    parts = [f"told: {', '.join(sent)}" if sent else "nobody is told yet"]
    parts += [f"is tried again: {'; '.join(late)}"] if late else []
    parts += [f"refused: {'; '.join(lost)}"] if lost else []
    return ", ".join(parts)
