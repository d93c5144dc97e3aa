"""The watch period of a run: its checks go on, compared with what they saw before it; a run that turns out worse is reopened.

Everything that is known of it lies in the journal, so whoever settles next goes on where the last one was.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from mainstay.engine import owed, verify
from mainstay.engine.drive import Drive
from mainstay.ledger import events
from mainstay.model.run import RunRecord, Verdict
from mainstay.model.units import Duration
from mainstay.system import clock

CONFIRMED = 2  # looks in a row that are worse, before people are called
RARELY = Duration(3600)
AGAIN = Duration(30)  # after the first of them, where the usual pause is longer


def due(record: RunRecord) -> datetime:
    """Return when the next look is due."""
    seen = record.watched
    following = _later(seen.last or _ended(record), _pause(seen.bad, record.watch_every))
    return following if seen.bad else min(following, ends(record))


def ends(record: RunRecord) -> datetime:
    """Return when the watch ends if nothing is worse until then; a reopened run has to be well for a whole period."""
    bad = record.watched.bad_at if record.watched.reopened else None
    return _later(bad or _ended(record), record.watch)


def look(drive: Drive) -> None:
    """Look once, and write down what follows from it: nothing, the run reopened, or its watch at an end."""
    found, known = verify.worse(drive), verify.bad(drive.record.checks)
    new = [because for id, because in found.items() if id not in known]  # the others were told when the run ended
    because = next(iter([*new, *found.values()]), "")
    drive.write(events.RUN_WATCHED, {"because": because})
    record = drive.record
    if because:
        if record.watched.bad >= CONFIRMED and not record.watched.reopened and new:
            drive.write(events.RUN_REOPENED, {"because": _told(record, because), "next": way_back(record)})
    elif clock.now() >= ends(record):
        drive.write(events.RUN_SETTLED, {"by": "mainstay", "text": _note(record), "watched": True})


def way_back(record: RunRecord) -> str:
    """Return the command that a person is advised to give."""
    return f"mainstay rollback {record.id}" if owed.changes(record) else f"mainstay show {record.id}"


def _pause(bad: int, usual: Duration) -> Duration:
    """Look again soon when in doubt, and ever less often at what stays worse and waits for a person."""
    if 0 < bad < CONFIRMED:
        return min(AGAIN, usual)
    return max(usual, min(RARELY, Duration(usual * 2 ** min(bad - CONFIRMED, 20)))) if bad else usual


def _told(record: RunRecord, because: str) -> str:
    if record.verdict is Verdict.FAIL:
        return f"{record.because}; and worse in its watch period: {because}"
    return f"worse in its watch period: {because}"


def _note(record: RunRecord) -> str:
    seen = record.watched
    told = f"watched for {record.watch}, {seen.looks} {'look' if seen.looks == 1 else 'looks'}"
    if seen.reopened:
        return f"{told}: worse at {seen.reopened:%Y-%m-%d %H:%M} UTC, well again since {seen.bad_at:%Y-%m-%d %H:%M} UTC"
    return f"{told}: nothing is worse than before the run" + (f"; {seen.all_bad} were, and not in a row" if seen.all_bad else "")


def _ended(record: RunRecord) -> datetime:
    assert record.ended is not None  # only what has ended is watched
    return record.ended


def _later(moment: datetime, by: Duration) -> datetime:
    return moment + timedelta(seconds=by)
