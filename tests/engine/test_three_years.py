"""Three years of the documented systems' routines on a clock that the test moves: who starts when, and who meets whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mainstay import config
from mainstay.engine import agenda
from mainstay.kinds import registry
from mainstay.ledger.journal import Journal
from mainstay.model.task import Slot
from mainstay.schedule.agenda import Agenda
from mainstay.schedule.blackouts import Span
from mainstay.schedule.occurrences import upcoming

CALENDARS = Path(__file__).parents[1] / "golden" / "calendars"
SYSTEMS = sorted(path.stem for path in CALENDARS.glob("*.yaml"))
YEARS = (2027, 2028, 2029)  # in 2029 the first Sunday of July is July 1
INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class Start:
    """A routine that starts: its slot, and the blackout that holds back what people notice."""

    routine: str
    slot: Slot
    held: Span | None


def calendar_of(system: str, state: Path, published: tuple[Span, ...] = ()) -> Agenda:
    """Read a system's configuration; `published` are the blackouts that somebody added."""
    site = config.load(CALENDARS / f"{system}.yaml", registry)
    zone = ZoneInfo(site.timezone)
    span = datetime(YEARS[0], 1, 1, tzinfo=zone).astimezone(UTC), datetime(YEARS[-1] + 1, 1, 1, tzinfo=zone).astimezone(UTC)
    known = agenda.agenda(site, Journal(state), registry.load, span)
    return Agenda(site, (*known.blackouts, *published), exempt=known.exempt)


def starts(made: Agenda) -> Iterator[Start]:
    """Let the clock go from one instant at which something is due to the next, and start what has its day."""
    now = datetime(YEARS[0], 1, 1, tzinfo=made.zone).astimezone(UTC) - INSTANT
    end = datetime(YEARS[-1] + 1, 1, 1, tzinfo=made.zone).astimezone(UTC)
    following = {name: made.following(routine, now) for name, routine in made.site.routines.items()}
    while (now := min(slot.start for slot in following.values() if slot)) < end:
        for name, routine in made.site.routines.items():
            slot = following[name]
            if slot and slot.start == now:
                assert made.at(routine, now) == slot, "the gate sees the slot that the scheduler waited for"
                if not made.replaced(routine, slot):
                    yield Start(name, slot, made.forbidding(routine, slot))
                following[name] = made.following(routine, now)


def page(made: Agenda, found: list[Start]) -> str:
    """Write what is not daily line by line, and count the rest by year."""
    seldom = [one for one in found if made.site.routines[one.routine].cadence not in ("daily", "continuous")]
    lines = [_line(one, made.zone) for one in seldom]
    counts = Counter((one.slot.start.astimezone(made.zone).year, one.routine) for one in found)
    lines += [f"{year}: " + ", ".join(f"{name} {counts[year, name]}" for name in made.site.routines) for year in YEARS]
    held = [f"{one.routine} {one.slot.start.astimezone(made.zone):%Y-%m-%d} {one.held.name}" for one in found if one.held]
    return "\n".join([*lines, f"held back: {', '.join(held) or 'none'}", ""])


def _line(one: Start, zone: ZoneInfo) -> str:
    start, due = one.slot.start.astimezone(zone), one.slot.due.astimezone(zone)
    put_off = f", put off from {due:%m-%d}" if due != start else ""
    return f"{start:%a %Y-%m-%d %H:%M %Z} to {one.slot.end.astimezone(zone):%H:%M} {one.routine}{put_off}"


@pytest.mark.covers("SCH-05", "SCH-07")
@pytest.mark.parametrize("system", SYSTEMS)
def test_the_calendar_of_three_years_is_the_one_that_was_approved(system: str, tmp_path: Path) -> None:
    made = calendar_of(system, tmp_path)
    assert page(made, list(starts(made))) == (CALENDARS / f"{system}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("system", SYSTEMS)
def test_no_two_routines_of_a_system_meet(system: str, tmp_path: Path) -> None:
    made = calendar_of(system, tmp_path)
    found = [one for one in starts(made) if one.routine != "disk"]  # a look beside everything else
    for one, later in pairwise(found):
        assert one.slot.end <= later.slot.start, (one, later)


def test_on_july_1_and_before_a_survey_nothing_is_done_that_people_notice(tmp_path: Path) -> None:
    made = calendar_of("residency-scheduler", tmp_path)
    noticed = [one for one in starts(made) if not made.exempt(made.site.routines[one.routine]) and not one.held]
    days = {one.slot.start.astimezone(made.zone).date() for one in noticed}
    assert not [day for day in days if (day.month, day.day) == (7, 1)]
    assert not [day for day in days if "2028-02-28" <= str(day) <= "2028-03-08"]
    copies = {one.slot.start.astimezone(made.zone).date() for one in starts(made) if one.routine == "backup"}
    assert len(copies) == 365 + 366 + 365, "backups go on"


@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_for_a_day_after_a_schedule_is_published_work_is_put_off_or_held_back(hour: int, tmp_path: Path) -> None:
    zone = ZoneInfo("America/New_York")
    published = datetime(2027, 6, 5, hour, tzinfo=zone)  # the Saturday before a first Sunday
    span = Span("published", published.astimezone(UTC), (published + timedelta(days=1)).astimezone(UTC))
    made = calendar_of("residency-scheduler", tmp_path, (span,))
    june = [one for one in starts(made) if one.slot.start.astimezone(zone).strftime("%Y-%m") == "2027-06"]
    for one in june:
        meets = one.slot.start < span.end and one.slot.end > span.start
        assert (one.held is span) == (meets and not made.exempt(made.site.routines[one.routine])), one
    [monthly] = [one for one in june if one.routine == "monthly"]
    assert monthly.slot.start.astimezone(zone).day == (13 if span.end > monthly.slot.due else 6)


def test_a_window_that_a_change_of_the_clock_moves_onto_another_is_told(tmp_path: Path) -> None:
    made = calendar_of("pa-ecosystem", tmp_path)
    berlin = Agenda(replace(made.site, timezone="Europe/Berlin"))
    day = datetime(2027, 3, 28, tzinfo=berlin.zone)
    found = {one.routine: one for one in upcoming(berlin, day, day + timedelta(days=1))}
    assert found["daily"].beside == ("weekly",)
    assert found["daily"].clock == "the clock leaves out 02:00: begins at 03:00 CEST"
