"""What the calendar of a site looks like now: configuration, what people announced, feeds, and moments that targets know."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mainstay.ledger import queries
from mainstay.ledger.journal import Journal
from mainstay.model.errors import MainstayError, Unreachable
from mainstay.model.task import Blackout, Moment, Routine, Site, TaskClass
from mainstay.model.units import Duration, Size
from mainstay.schedule import blackouts, feeds
from mainstay.schedule.agenda import Agenda
from mainstay.schedule.blackouts import Span, Stretch
from mainstay.system import clock, files

if TYPE_CHECKING:
    from mainstay.engine.context import Context
    from mainstay.kinds.kind import Kind, TaskKind

Stretches = Callable[[datetime, datetime], Iterator[Stretch]]

EXEMPT = frozenset({TaskClass.BACKUP, TaskClass.CHECK})

_AROUND = timedelta(days=366)  # a slot that is asked about may be moved, and a blackout may be long
_FRESH, _OLD = (
    timedelta(minutes=15),
    timedelta(days=7),
)  # ages of a feed: before it is fetched again, and when nobody relies on it
_WITHIN = Duration(10)
_MOST = Size(8 << 20)  # of a feed


def of(context: Context, start: datetime, end: datetime) -> Agenda:
    """Return the calendar as far as it matters in [start, end). No target is asked: a blackout that one knows is not in it."""
    return agenda(context.site, context.journal, context.load, (start, end))


def agenda(site: Site, journal: Journal, load: Callable[[str], Kind], when: tuple[datetime, datetime]) -> Agenda:
    """Return the calendar of a site as far as it matters at a time; a kind is loaded when it matters whether it is exempt."""
    zone = ZoneInfo(site.timezone)
    configured = [
        span for one in site.blackouts.values() if not one.moment for span in _spans(one, *when, _calendar(site, one, zone))
    ]
    found = sorted([*configured, *queries.blackouts(journal)], key=lambda span: (span.start, span.name))
    return Agenda(site, tuple(found), tuple(queries.announced(journal)), partial(_only_copies_and_looks, load))


def spans(context: Context, start: datetime, end: datetime) -> list[Span]:
    """Return the blackouts that matter in [start, end); targets are asked for the moments that they know."""
    asked = (one for one in context.site.blackouts.values() if one.moment)
    moments = (span for one in asked for span in _spans(one, start, end, partial(_known, context, one)))
    return [one for one in (*of(context, start, end).blackouts, *moments) if one.start < end and one.end > start]


def exempt(kind: TaskKind[Any, Any]) -> bool:
    """Tell whether no blackout touches a task."""
    return kind.task_class in EXEMPT


def _only_copies_and_looks(load: Callable[[str], Kind], routine: Routine) -> bool:
    return all(exempt(load(task.target.kind).task(task.name)) for task in routine.tasks)


def _spans(blackout: Blackout, start: datetime, end: datetime, stretches: Stretches) -> Iterator[Span]:
    """Yield the spans of a blackout; while nobody can tell when it is, it is in force."""
    wide = start - _AROUND, end + _AROUND
    try:
        yield from blackouts.spans(blackout, list(stretches(*wide)))
    except (MainstayError, OSError, ValueError) as error:
        yield Span(blackout.name, *wide, blackout.max_impact, f"nobody can tell when it is: {error}", blackout.origin)


def _calendar(site: Site, blackout: Blackout, zone: ZoneInfo) -> Stretches:
    def stretches(start: datetime, end: datetime) -> Iterator[Stretch]:
        if blackout.ical:
            return feeds.events(_feed(site, blackout), blackout.match, start, end, zone)
        return blackouts.calendar(blackout, start, end, zone)

    return stretches


def _known(context: Context, blackout: Blackout, _start: datetime, _end: datetime) -> Iterator[Stretch]:
    assert blackout.moment
    at = _moment(context, blackout.moment, ZoneInfo(context.site.timezone))
    if at:
        yield at, at


def _moment(context: Context, moment: Moment, zone: ZoneInfo) -> datetime | None:
    """Ask a target for a moment: a time, a day or ISO text; without a zone it is in the site's. None when it knows none."""
    from mainstay.engine import observe

    found = observe.ask(context, moment.target, moment.query)
    if isinstance(found, str):
        found = datetime.fromisoformat(found)
    if isinstance(found, date) and not isinstance(found, datetime):
        return blackouts.midnight(found, zone)
    if found is not None and not isinstance(found, datetime):
        raise ValueError(f"{moment.query!r} yields {found!r}, which is no moment")
    return found and (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)


def _feed(site: Site, blackout: Blackout) -> str:
    """Return a calendar; of an address the copy counts that was fetched last, unless it is old."""
    if blackout.ical.startswith("/"):
        try:
            return files.read_bounded(Path(blackout.ical), _MOST).decode()
        except OSError as error:
            raise Unreachable("it cannot be read", on=blackout.ical, because=(error.strerror or "unreadable").lower()) from error
    folder = site.state / "feeds"
    copy, tried = folder / f"{blackout.name}.ics", folder / f"{blackout.name}.tried"
    if _age(tried) >= _FRESH:  # one that does not answer is asked as seldom as one that does
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write_atomic(tried, b"")
        try:
            files.write_atomic(copy, _fetched(blackout.ical))
        except (MainstayError, ValueError):
            if _age(copy) >= _OLD:
                raise
    if _age(copy) >= _OLD:
        raise Unreachable("the calendar could not be fetched", on=_host(blackout.ical), because="it is tried every 15 minutes")
    return copy.read_text(encoding="utf-8")


def _age(path: Path) -> timedelta:
    """Return how long ago a file was written; what is not there is as old as can be."""
    return clock.now() - datetime.fromtimestamp(path.stat().st_mtime, UTC) if path.exists() else timedelta.max


def _fetched(address: str) -> bytes:
    """Fetch a calendar; what is none does not take the place of the copy. Only the host is told: the rest may be its password."""
    from mainstay.system.http import NoAnswer, Request, fetch  # for those few who have a feed

    try:
        answer = fetch(Request(address, keep=_MOST, redirects=3), _WITHIN)
    except NoAnswer as error:
        raise Unreachable("the calendar cannot be fetched", on=_host(address), because=f"no answer ({error.stage})") from None
    if answer.status != 200 or answer.cut:
        raise Unreachable("the calendar cannot be fetched", on=_host(address), because=f"HTTP {answer.status}")
    feeds.require_calendar(answer.body.decode())
    return answer.body


def _host(address: str) -> str:
    return "/".join(address.split("/")[:3]).rpartition("@")[2]
