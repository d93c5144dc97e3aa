"""Calendar rules as people say them, and when they are next due.

    daily 03:00                     monthly 1 04:00, day last 04:00       quarterly first sunday 02:00
    sunday 02:00                    first sunday 02:00                    quarterly from feb first sunday 02:00
    monday,friday 02:00             first sunday of jan,jul 02:00         semiannual day 1 04:00
    every 5m                        yearly 01-01 06:00                    cron: 0 2 * * 0
    rrule: FREQ=MONTHLY;BYDAY=1SU;BYHOUR=2;BYMINUTE=0                     (RFC 5545, local time, without an end)

A rule names local times. One that the zone skips is due at the first instant after the gap; one that it repeats is due at the
first of the two, once. Answers are in UTC.
"""

from __future__ import annotations

import calendar
import difflib
import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from mainstay.model.units import Duration

if TYPE_CHECKING:
    from cronsim import CronSim

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
NTH = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
_EVERY_MONTHS = {"quarterly": 3, "semiannual": 6}
_ALL_MONTHS = frozenset(range(1, 13))
_COMMON_YEAR = 2001  # without 29 February
_LONGEST_GAP = timedelta(days=2)  # a zone may skip a whole day
_CRON_FIELD = re.compile(r"[\d*/,-]+")
_TOO_OFTEN = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_SHORTEST, _LONGEST = Duration(60), Duration(366 * 86400)
_SOME_DAY = datetime.combine(date(2026, 1, 1), time())
_EPOCH, _UTC = datetime(1970, 1, 1, tzinfo=UTC), ZoneInfo("UTC")
_WEEKS_OF_MONTH = {nth: set(range(7 * week + 1, 7 * week + 8)) for week, nth in enumerate(("first", "second", "third", "fourth"))}


class Rule(ABC):
    """When something is due."""

    @abstractmethod
    def next(self, after: datetime, tz: ZoneInfo) -> datetime:
        """Return the first instant later than `after` at which it is due, in UTC."""

    def between(self, start: datetime, end: datetime, tz: ZoneInfo) -> Iterator[datetime]:
        """Yield every instant of [start, end) at which it is due, in UTC."""
        due = self.next(start - timedelta(microseconds=1), tz)
        while due < end:
            yield due
            due = self.next(due, tz)

    def times_in(self, year: int) -> int:
        """Count how often it is due in a year."""
        return sum(1 for _ in self.between(datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC), _UTC))


@dataclass(frozen=True)
class Weekly:
    """Every one of these weekdays; Monday is 0."""

    weekdays: frozenset[int]

    def dates(self, year: int, month: int) -> list[date]:
        """Return the days of a month that are meant, in order."""
        return [day for day in _days(year, month) if day.weekday() in self.weekdays]


@dataclass(frozen=True)
class NthWeekday:
    """The n-th weekday of a month; -1 is the last."""

    nth: int
    weekday: int

    def dates(self, year: int, month: int) -> list[date]:
        """Return the one day of a month that is meant."""
        every = [day for day in _days(year, month) if day.weekday() == self.weekday]
        return [every[self.nth - 1 if self.nth > 0 else self.nth]]


@dataclass(frozen=True)
class MonthDay:
    """A day of a month; -1 is the last."""

    day: int

    def dates(self, year: int, month: int) -> list[date]:
        """Return the one day of a month that is meant."""
        return [date(year, month, calendar.monthrange(year, month)[1] if self.day < 0 else self.day)]


@dataclass(frozen=True)
class Calendar(Rule):
    """A local time on certain days of certain months."""

    days: Weekly | NthWeekday | MonthDay
    at: time
    months: frozenset[int] = _ALL_MONTHS

    def __post_init__(self) -> None:
        """Refuse a day that is not in each of the months in every year: it would be left out without a word."""
        shortest = min(calendar.monthrange(_COMMON_YEAR, month)[1] for month in self.months)
        if isinstance(self.days, MonthDay) and self.days.day > shortest:
            raise ValueError(f"day {self.days.day} is not in every such month: write 'day last' or a day up to {shortest}")

    def next(self, after: datetime, tz: ZoneInfo) -> datetime:
        """Return the first instant later than `after` at which it is due, in UTC."""
        since = (after.astimezone(tz) - _LONGEST_GAP).date()
        return next(due for day in self._dates(since) if (due := instant(datetime.combine(day, self.at), tz)) > after)

    def _dates(self, since: date) -> Iterator[date]:
        year, month = since.year, since.month
        while True:
            if month in self.months:
                yield from (day for day in self.days.dates(year, month) if day >= since)
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)


@dataclass(frozen=True)
class Every(Rule):
    """A fixed interval, counted in UTC from the epoch, so that every process counts alike."""

    interval: Duration

    def next(self, after: datetime, tz: ZoneInfo) -> datetime:
        """Return the first instant later than `after` at which it is due, in UTC."""
        step = timedelta(seconds=self.interval)
        return _EPOCH + ((after - _EPOCH) // step + 1) * step


@dataclass(frozen=True)
class Cron(Rule):
    """A cron line with cron's own meaning: day of month and day of week, where both are given, are joined by OR."""

    line: str

    def next(self, after: datetime, tz: ZoneInfo) -> datetime:
        """Return the first instant later than `after` at which it is due, in UTC."""
        from cronsim import CronSim

        return next(CronSim(self.line, after.astimezone(tz))).astimezone(UTC)

    @property
    def joins_days_by_or(self) -> bool:
        """True when both day fields are restricted, which people mostly write meaning AND."""
        fields = self.line.split()
        return not fields[2].startswith("*") and not fields[4].startswith("*")

    @property
    def explained(self) -> str:
        """Say in words when it is due."""
        return self._parsed().explain()

    @property
    def meant(self) -> str:
        """Return the rule that whoever joined the days probably meant, "" when that cannot be told."""
        line = self._parsed()
        single = all(len(part) == 1 for part in (line.weekdays, line.hours, line.minutes))
        nth = next((nth for nth, days in _WEEKS_OF_MONTH.items() if line.days == days), "")
        if not (single and nth and self.joins_days_by_or):
            return ""
        [weekday], [hour], [minute] = line.weekdays, line.hours, line.minutes
        if isinstance(weekday, tuple):  # 0#1 says by itself which one
            return ""
        months = sorted(int(month) for month in line.months)
        of = "" if len(months) == 12 else f" of {','.join(MONTHS[month - 1][:3] for month in months)}"
        return f"{nth} {WEEKDAYS[(weekday - 1) % 7]}{of} {hour:02}:{minute:02}"

    def _parsed(self) -> CronSim:
        from cronsim import CronSim  # 11 ms, and few configurations have cron lines

        return CronSim(self.line, _EPOCH)


@dataclass(frozen=True)
class Recurrence(Rule):
    """An imported RRULE, counted in local time from `since`; it has no end."""

    line: str
    since: datetime  # naive

    def next(self, after: datetime, tz: ZoneInfo) -> datetime:
        """Return the first instant later than `after` at which it is due, in UTC."""
        return next(self._after(after, tz))

    def between(self, start: datetime, end: datetime, tz: ZoneInfo) -> Iterator[datetime]:
        """Yield every instant of [start, end) at which it is due, in UTC; counted once, for it is counted from its beginning."""
        yield from itertools.takewhile(lambda due: due < end, self._after(start - timedelta(microseconds=1), tz))

    def _after(self, after: datetime, tz: ZoneInfo) -> Iterator[datetime]:
        from dateutil.rrule import rrulestr  # 20 ms, and few configurations import rules

        last = after
        for local in rrulestr(self.line, dtstart=self.since).xafter(after.astimezone(tz).replace(tzinfo=None) - _LONGEST_GAP):
            due = instant(local, tz)
            if due > last:  # two local times that a gap leaves out are due at the same instant
                yield (last := due)


def instant(local: datetime, tz: ZoneInfo) -> datetime:
    """Resolve a naive local time to UTC: in a gap the first instant after it, in a fold the first of the two."""
    early, late = (local.replace(tzinfo=tz, fold=fold).astimezone(UTC) for fold in (0, 1))
    if late >= early:
        return early
    # In a gap fold 0 counts with the offset before it and so lands behind it; fold 1 lands before it. The gap lies between.
    before, after = int(late.timestamp()), int(early.timestamp())
    offset = _offset(before, tz)
    while after - before > 1:
        middle = (before + after) // 2
        before, after = (middle, after) if _offset(middle, tz) == offset else (before, middle)
    return datetime.fromtimestamp(after, UTC)


def parse(text: str) -> Rule:
    """Read a rule; ValueError says what is wrong and which words are known."""
    if text.startswith("cron:"):
        return _cron(text.removeprefix("cron:").strip())
    if text.startswith("rrule:"):
        return _recurrence(text.removeprefix("rrule:").strip())
    words = text.lower().split()
    if len(words) == 5 and all(_CRON_FIELD.fullmatch(word) for word in words[:3]):
        raise ValueError(f"{text!r} is a cron line: write 'cron: {text}'")
    if words[:1] == ["every"]:
        return _every(" ".join(words[1:]))
    if len(words) < 2:
        raise ValueError(
            f"{text!r} is not a calendar rule: write days and a time, such as 'sunday 02:00' or 'first sunday 02:00'"
        )
    return _calendar(words[:-1], _clock(words[-1]))


def _calendar(words: list[str], at: time) -> Calendar:
    match words:
        case ["daily"]:
            return Calendar(Weekly(frozenset(range(7))), at)
        case ["yearly", day]:
            return _yearly(day, at)
        case [("quarterly" | "semiannual") as cadence, "from", month, *day]:
            return _recurring(cadence, _month(month), day, at)
        case [("quarterly" | "semiannual") as cadence, *day]:
            return _recurring(cadence, 1, day, at)
        case [*day, "of", months]:
            return Calendar(_day(day), at, frozenset(_month(month) for month in months.split(",")))
    return Calendar(_day(words), at)


def _recurring(cadence: str, start: int, words: list[str], at: time) -> Calendar:
    day = _day(words)
    if isinstance(day, Weekly):
        raise ValueError(f"{' '.join(words)!r} is every week of a month: write which one, such as '{cadence} first sunday 02:00'")
    return Calendar(day, at, frozenset(month for month in _ALL_MONTHS if (month - start) % _EVERY_MONTHS[cadence] == 0))


def _day(words: list[str]) -> Weekly | NthWeekday | MonthDay:
    match words:
        case ["monthly", nth, weekday] | [nth, weekday] if nth not in ("monthly", "day"):
            return NthWeekday(NTH[_known(nth, tuple(NTH))], _weekday(weekday))
        case ["monthly" | "day", day]:
            return MonthDay(_month_day(day))
        case [weekdays]:
            return Weekly(frozenset(_weekday(weekday) for weekday in weekdays.split(",")))
    raise ValueError(f"{' '.join(words)!r} is no day: write 'sunday', 'monday,friday', 'first sunday', 'day 1' or 'day last'")


def _yearly(text: str, at: time) -> Calendar:
    match = re.fullmatch(r"(\d\d)-(\d\d)", text)
    if match is None or int(match[1]) not in _ALL_MONTHS:
        raise ValueError(f"{text!r} is not a day of the year: write month and day, such as 01-15")
    return Calendar(MonthDay(_month_day(match[2])), at, frozenset({int(match[1])}))


def _every(text: str) -> Every:
    interval = Duration.parse(text)
    if not _SHORTEST <= interval <= _LONGEST:
        raise ValueError(f"{text!r} is not an interval from {_SHORTEST} to {_LONGEST}")
    return Every(interval)


def _cron(line: str) -> Cron:
    from cronsim import CronSim, CronSimError

    if len(line.split()) != 5:
        raise ValueError(f"{line!r} is not a cron line: write minute, hour, day of month, month and day of week")
    try:
        next(CronSim(line, _EPOCH))
    except CronSimError as error:
        raise ValueError(f"{line!r} is not a cron line: {error}") from error
    except StopIteration as error:
        raise ValueError(f"{line!r} is never due") from error
    return Cron(line)


def _recurrence(text: str) -> Recurrence:
    """Read an RRULE, with DTSTART=... before it or in it where it matters from when on it is counted."""
    from dateutil.rrule import rrulestr

    parts = [part for part in re.split(r"[;\s]+", text.upper().replace("RRULE:", "").replace("DTSTART:", "DTSTART=")) if part]
    known = dict(part.partition("=")[::2] for part in parts)
    since = known.pop("DTSTART", "")
    if wrong := known.keys() & {"COUNT", "UNTIL"}:
        raise ValueError(f"{text!r} has {wrong.pop()}: a window has no end")
    if known.get("FREQ") in _TOO_OFTEN:
        raise ValueError(f"{text!r} is due too often to be counted from its beginning: write a rule such as 'every 1h'")
    if not since and known.get("INTERVAL", "1") != "1":
        raise ValueError(f"{text!r} is counted from some day: write DTSTART=20260104T020000 too, in local time")
    try:
        begins = datetime.fromisoformat(since) if since else _SOME_DAY
        found = Recurrence(";".join(f"{name}={value}" for name, value in known.items()), begins)
        rrulestr(found.line, dtstart=begins)
        found.next(_EPOCH.replace(year=begins.year), _UTC)
    except StopIteration as error:
        raise ValueError(f"{text!r} is never due") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{text!r} is not an RRULE of RFC 5545: {error}") from error
    return found


def _clock(text: str) -> time:
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text)
    if match is None:
        raise ValueError(f"{text!r} is not a time of day: end the rule with hours and minutes, such as 02:00")
    return time(int(match[1]), int(match[2]))


def _month_day(text: str) -> int:
    if text == "last":
        return -1
    if not re.fullmatch(r"\d\d?", text) or not 1 <= int(text) <= 31:
        raise ValueError(f"{text!r} is not a day of the month: write 1 to 28, or last")
    return int(text)


def _weekday(text: str) -> int:
    return WEEKDAYS.index(_known(text, WEEKDAYS))


def _month(text: str) -> int:
    return MONTHS.index(_known(text, MONTHS)) + 1


def _known(word: str, words: tuple[str, ...]) -> str:
    """Return the one of `words` that is meant: itself or its first three letters."""
    if word in words:
        return word
    if len(word) == 3 and (meant := [known for known in words if known.startswith(word)]):
        return meant[0]
    near = difflib.get_close_matches(word, (*words, *(known[:3] for known in words)), 1)
    raise ValueError(
        f"{word!r} is not known here: " + (f"did you mean {near[0]}?" if near else f"write one of {', '.join(words)}")
    )


def _days(year: int, month: int) -> list[date]:
    return [date(year, month, day + 1) for day in range(calendar.monthrange(year, month)[1])]


def _offset(seconds: int, tz: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(seconds, tz).utcoffset()
