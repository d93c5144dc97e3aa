"""Blackouts at the gate: what people would notice waits, copies and looks go on, and an emergency has somebody's name on it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.errors import Refused
from mainstay.model.plan import Impact
from mainstay.model.run import Override, Status
from mainstay.schedule.agenda import Announced
from mainstay.schedule.blackouts import Span
from mainstay.system import clock
from tests.engine.shop import Shop
from tests.engine.test_gate import SCHEDULED, open_now

HOUR = timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nSUMMARY:Survey\r\n"
    "DTSTART;VALUE=DATE:{first:%Y%m%d}\r\nDTEND;VALUE=DATE:{last:%Y%m%d}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def today(days: int = 0) -> date:
    return datetime.now(BERLIN).date() + timedelta(days=days)


@pytest.fixture
def stall(shop: Shop) -> Shop:
    """A shop with work that people notice, work that nobody notices, a copy, and a look."""
    shop.command("close", impact="downtime")
    shop.command("sweep", impact="none")
    (shop.folder / "goods").mkdir()
    (shop.folder / "goods" / "list").write_text("apples")
    shop.targets["goods"] = {"kind": "files", "path": str(shop.folder / "goods")}
    shop.targets["safe"] = {"kind": "backup", "repository": {"path": str(shop.folder / "safe")}, "of": ["goods"]}
    shop.routines = {"daily": {"tasks": ["safe.backup", "close.run", "sweep.run"]}}
    return shop


def ran(app: App, **launch: Any) -> dict[str, tuple[Status, str]]:
    record = app.run("daily", Launch(by="ada", envelope=app.forecast("daily").envelope, **launch))
    return {task.id: (task.status, task.because) for task in record.tasks}


@pytest.mark.covers("SCH-08")
@pytest.mark.parametrize("attended", [True, False])
def test_what_people_notice_waits_and_copies_and_silent_work_go_on(stall: Shop, attended: bool) -> None:
    stall.blackouts = {"fiscal_year": {"on": f"{today():%m-%d}", "reason": "the books are closed"}}
    open_now(stall, max_impact="downtime")
    found = ran(stall.open(), attended=attended)
    assert found["safe.backup"][0] is Status.CHANGED
    assert found["sweep.run"][0] is Status.CHANGED
    status, because = found["close.run"]
    assert status is Status.DEFERRED
    assert because.startswith(f"blackout fiscal_year (the books are closed): {today()} 00:00 to {today(1)} 00:00")
    assert stall.effects == ["sweep"]


def test_a_level_lets_pass_what_is_not_above_it(stall: Shop) -> None:
    stall.blackouts = {"quiet": {"on": f"{today():%m-%d}", "max_impact": "downtime"}}
    assert ran(stall.open())["close.run"][0] is Status.CHANGED


def test_work_that_would_reach_into_a_blackout_is_not_begun(stall: Shop) -> None:
    stall.routines["daily"]["tasks"][1] = {"close.run": {"budget": "3h"}}
    app = stall.open()
    app.announcements.add_blackout(Span("soon", clock.now() + 5 * HOUR, clock.now() + 7 * HOUR), "ada")
    assert "blackout soon" in ran(app)["close.run"][1], "twice three hours from now it is in force"
    app.announcements.add_blackout(Span("soon", clock.now() + 9 * HOUR, clock.now() + 10 * HOUR), "ada")
    assert ran(app)["close.run"][0] is Status.CHANGED


@pytest.mark.covers("SCH-08")
def test_one_that_a_person_adds_ends_by_itself_or_by_hand(stall: Shop) -> None:
    app = stall.open()
    app.announcements.add_blackout(Span("published", clock.now(), clock.now() + 24 * HOUR, reason="a new schedule is out"), "ada")
    assert "a new schedule is out" in ran(app)["close.run"][1]
    app.announcements.remove_blackout("published", "ada", "nobody looks")
    assert ran(stall.open())["close.run"][0] is Status.CHANGED
    with pytest.raises(Refused, match="nobody has added one of that name"):
        app.announcements.remove_blackout("published", "ada", "")
    with pytest.raises(Refused, match="over before it begins"):
        app.announcements.add_blackout(Span("late", clock.now() - 2 * HOUR, clock.now() - HOUR), "ada")


def test_one_of_the_configuration_is_neither_changed_nor_removed_by_command(stall: Shop) -> None:
    stall.blackouts = {"fiscal_year": {"on": "07-01"}}
    app = stall.open()
    with pytest.raises(Refused, match=r"the configuration has a blackout of that name.*mainstay.yaml:\d+"):
        app.announcements.add_blackout(Span("fiscal_year", clock.now(), clock.now() + HOUR), "ada")
    with pytest.raises(Refused, match=r"the configuration has it \(.*mainstay.yaml:\d+\)"):
        app.announcements.remove_blackout("fiscal_year", "ada", "")


@pytest.mark.covers("SCH-08")
def test_an_emergency_passes_with_a_name_and_a_reason_on_record(stall: Shop) -> None:
    stall.blackouts = {"fiscal_year": {"on": f"{today():%m-%d}"}}
    app = stall.open()
    urgent = Override("Grace Hopper", "CVE-2026-1234")
    record = app.run("daily", Launch(by="ada", envelope=app.forecast("daily").envelope, emergency=urgent))
    assert app.run_record(record.id).emergency == urgent
    assert {task.id: task.status for task in record.tasks}["close.run"] is Status.CHANGED


@pytest.mark.covers("SCH-08")
def test_events_of_a_calendar_file_count_with_the_days_before_them(stall: Shop) -> None:
    path = stall.folder / "surveys.ics"
    path.write_text(CALENDAR.format(first=today(5), last=today(6)))
    stall.blackouts = {"survey": {"ical": str(path), "match": "survey", "before": "7d"}}
    assert f"blackout survey: {today(-2)} 00:00" in ran(stall.open())["close.run"][1]
    path.write_text(CALENDAR.format(first=today(9), last=today(10)))
    assert ran(stall.open())["close.run"][0] is Status.CHANGED, "the file is read each time"


@pytest.mark.parametrize("content", [None, b"<html>sign in</html>", b"\xff\xfe"])
def test_while_nobody_can_tell_when_a_blackout_is_it_is_in_force(stall: Shop, content: bytes | None) -> None:
    path = stall.folder / "surveys.ics"
    if content is not None:
        path.write_bytes(content)
    stall.blackouts = {"survey": {"ical": str(path)}}
    assert "nobody can tell when it is" in ran(stall.open())["close.run"][1]


@contextmanager
def served(content: dict[str, bytes]) -> Iterator[str]:
    """Serve a calendar on loopback; what is not there is a 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = content.get("body")
            self.send_response(200 if body is not None else 404)
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/surveys.ics"
        server.shutdown()


def test_a_feed_is_fetched_and_its_copy_counts_while_it_cannot_be(stall: Shop) -> None:
    content = {"body": CALENDAR.format(first=today(), last=today(1)).encode()}
    with served(content) as address:
        stall.blackouts = {"survey": {"ical": address}}
        assert "blackout survey" in ran(stall.open())["close.run"][1]
        content["body"] = CALENDAR.format(first=today(3), last=today(4)).encode()
        aged(stall, timedelta(minutes=20))
        assert ran(stall.open())["close.run"][0] is Status.CHANGED, "it was fetched again"
        for broken in (b"<html>sign in</html>", None):
            content.update(body=broken) if broken else content.pop("body")
            aged(stall, timedelta(minutes=20))
            assert ran(stall.open())["close.run"][0] is Status.CHANGED, "the copy counts, and is not replaced by what is none"
        aged(stall, timedelta(days=8))
        told = ran(stall.open())["close.run"][1]
        assert "HTTP 404" in told, "on an old one nobody relies"
        assert "surveys.ics" not in told, "the path of a private feed is its password"
    stall.blackouts["survey"]["ical"] = address.replace("surveys", "gone")
    aged(stall, timedelta(days=8))
    told = ran(stall.open())["close.run"][1]
    assert "no answer (connect)" in told
    assert "gone.ics" not in told
    assert "it is tried every 15 minutes" in ran(stall.open())["close.run"][1], "and no wait in between"


def aged(shop: Shop, by: timedelta) -> None:
    """Let the copy of the feed be older."""
    import os

    at = (datetime.now(UTC) - by).timestamp()
    for kept in (shop.folder / "state" / "feeds").iterdir():
        os.utime(kept, (at, at))


@pytest.mark.covers("SCH-08")
def test_a_moment_that_a_database_knows_holds_work_back_for_a_day(stall: Shop) -> None:
    path = stall.folder / "schedule.db"
    stall.targets["schedule"] = {"kind": "sqlite", "path": str(path)}
    query = "SELECT max(published_at) FROM schedule"
    stall.blackouts = {"published": {"moment": {"target": "schedule", "query": query}, "after": "24h"}}
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE schedule(published_at TEXT)")
        assert ran(stall.open())["close.run"][0] is Status.CHANGED, "nothing was ever published"
        database.execute("INSERT INTO schedule VALUES (?)", [(datetime.now(BERLIN) - 25 * HOUR).isoformat()])
        assert ran(stall.open())["close.run"][0] is Status.CHANGED, "a day has gone by"
        database.execute("INSERT INTO schedule VALUES (?)", [(datetime.now(BERLIN) - 23 * HOUR).replace(tzinfo=None).isoformat()])
        assert "blackout published" in ran(stall.open())["close.run"][1]
        database.execute("DROP TABLE schedule")
        assert "no such table" in ran(stall.open())["close.run"][1]


def test_a_query_that_would_write_is_no_moment(stall: Shop) -> None:
    path = stall.folder / "schedule.db"
    stall.targets["schedule"] = {"kind": "sqlite", "path": str(path)}
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE schedule(published_at TEXT)")
    stall.blackouts = {"b": {"moment": {"target": "schedule", "query": "DELETE FROM schedule RETURNING 1"}, "after": "1h"}}
    assert "nobody can tell" in ran(stall.open())["close.run"][1]


@pytest.mark.covers("SCH-14")
def test_an_announced_slot_starts_what_has_no_window_and_allows_what_it_says(stall: Shop) -> None:
    stall.routines["daily"]["tasks"] = [{"close.run": {"budget": "1m"}}]
    app = stall.open()
    with pytest.raises(Refused, match="the routine has no window"):
        app.run("daily", SCHEDULED)
    start = clock.now() + timedelta(seconds=1)
    app.announcements.announce(Announced("daily-1", "daily", start, start + HOUR, Impact.DOWNTIME, "ada", "PostgreSQL 18"))
    with pytest.raises(Refused, match="outside its window"):
        app.run("daily", SCHEDULED)
    while clock.now() < start:
        clock.sleep(0.05)
    assert app.run("daily", SCHEDULED).status is Status.CHANGED
    with pytest.raises(Refused, match="claimed before"):
        app.run("daily", SCHEDULED)
    with pytest.raises(Refused, match="the slot has begun"):
        app.announcements.withdraw("daily-1", "ada", "")


@pytest.mark.covers("SCH-14")
def test_an_announced_slot_is_checked_moved_and_taken_back(stall: Shop) -> None:
    stall.routines["daily"]["tasks"] = ["close.run"]
    stall.blackouts = {"fiscal_year": {"on": f"{today(2):%m-%d}"}}
    app = stall.open()
    noon = datetime.combine(today(2), datetime.min.time(), BERLIN) + 12 * HOUR
    slot = Announced("daily-1", "daily", noon, noon + HOUR, Impact.DOWNTIME, "ada", "")
    with pytest.raises(Refused, match="blackout fiscal_year"):
        app.announcements.announce(slot)
    with pytest.raises(Refused, match="before it begins"):
        app.announcements.announce(Announced("daily-1", "daily", clock.now() - HOUR, clock.now(), Impact.LOAD, "ada", ""))
    later = Announced("daily-1", "daily", noon + 24 * HOUR, noon + 25 * HOUR, Impact.DOWNTIME, "ada", "")
    app.announcements.announce(later)
    assert stall.open().announcements.announced("daily-1") == later
    app.announcements.withdraw("daily-1", "ada", "the release is late")
    with pytest.raises(Refused, match="no such slot"):
        app.announcements.announced("daily-1")


def test_a_scheduled_run_that_was_killed_keeps_the_end_of_its_slot(stall: Shop) -> None:
    stall.routines["daily"]["tasks"] = [{"close.run": {"budget": "1m"}}]
    open_now(stall, max_impact="downtime")
    record = stall.open().run("daily", SCHEDULED)
    assert record.slot
    assert record.slot.end - record.slot.start == HOUR
    assert record.slot.max_impact is Impact.DOWNTIME


def test_in_a_postponed_slot_the_routine_is_left_alone_until_it_begins(stall: Shop) -> None:
    open_now(stall, postpone="1d", max_impact="downtime")
    stall.blackouts = {"b": {"on": f"{today():%m-%d}"}}
    stall.routines["daily"]["tasks"] = ["close.run"]
    with pytest.raises(Refused, match=f"the next slot begins {today(1)}"):
        stall.open().run("daily", SCHEDULED)


def test_a_config_mistake_has_its_line(stall: Shop) -> None:
    path = Path("/nowhere.ics")
    stall.blackouts = {
        "a": {},
        "b": {"on": "07-32"},
        "c": {"on": "07-01", "ical": str(path)},
        "d": {"moment": {"target": "safe", "query": "x"}, "after": "1h"},
        "e": {"moment": {"target": "god", "query": "x"}, "after": "1h"},
        "f": {"ical": "surveys.ics"},
        "g": {"rule": "someday", "length": "1h"},
    }
    with pytest.raises(Exception, match="cannot be used") as caught:
        stall.open()
    told = str(caught.value)
    for text in (
        "none of `on`, `rule`, `ical` and `moment`",
        "begins on a day that is not there",
        "on and ical",
        "a target of kind backup answers no query",
        "no target 'god'",
        "neither an absolute path nor an address",
        "is not a calendar rule",
    ):
        assert text in told
