"""`mainstay windows`: what is to come, whether it fits, and a feed that calendar programs read."""

from __future__ import annotations

from datetime import datetime, timedelta

import icalendar
import pytest

from tests.cli.shop import Shop

WINDOWS = """\
windows:
  night: {rule: "daily 02:00", length: 1h}
  weekly: {rule: "sunday 01:30", length: 2h, max_impact: downtime}
  noon: {rule: "daily 12:00", length: 1h}
"""
ROUTINES = """\
  nightly: {tasks: [mark.run: {budget: 10m}], window: night, rollback: 5m}
  weekly: {tasks: [mark.run: {budget: 70m}], window: weekly, replaces: [nightly], buffer: 15m}
  heavy: {tasks: [final.run, safe.backup], window: night}
  new: {tasks: [final.run], window: noon}
"""


@pytest.fixture
def planned(shop: Shop) -> Shop:
    """Return a shop with a nightly routine, a weekly one that replaces it and is too long, and one that nobody knows."""
    path = shop.folder / "mainstay.yaml"
    head, _, _ = path.read_text(encoding="utf-8").partition("  nightly:")
    path.write_text(head + ROUTINES + WINDOWS, encoding="utf-8")
    return shop


def test_every_slot_is_listed_with_what_it_needs_and_what_is_wrong(planned: Shop) -> None:
    found = planned.json("windows", "--days", "7")
    slots = found["slots"]
    assert len(slots) == 7 + 7 + 7 + 1
    nightly = [one for one in slots if one["routine"] == "nightly"]
    assert {one["needed"] for one in nightly} == {25 * 60}  # twice the budget, and the rollback
    assert {one["fits"] for one in nightly} == {True}
    assert [one["replaced"] != "" for one in nightly].count(True) == 1
    (weekly,) = (one for one in slots if one["routine"] == "weekly")
    assert (weekly["needed"], weekly["fits"], weekly["beside"]) == (155 * 60, False, ["heavy"])
    assert {(one["needed"], one["fits"]) for one in slots if one["routine"] == "heavy"} == {(None, None)}


def test_people_see_the_same_in_a_table(planned: Shop) -> None:
    told = " ".join(planned.run("windows", "--days", "7").split())  # a long remark goes on in the next line
    assert "too short: 2h35m are needed" in told
    assert "left out: weekly replaces nightly" in told
    assert "nobody knows how long it takes" in told
    assert "Europe/Berlin" in told


def test_calendar_programs_read_the_feed(planned: Shop) -> None:
    planned.run("windows", "--days", "7", "--ical", "--output", "feed.ics")
    raw = (planned.folder / "feed.ics").read_bytes()
    assert b"\r\n" in raw
    assert max(map(len, raw.split(b"\r\n"))) <= 75, "lines are folded"
    feed = icalendar.Calendar.from_ical(raw)
    events = list(feed.walk("VEVENT"))
    slots = [one for one in planned.json("windows", "--days", "7")["slots"] if not one["replaced"]]
    assert [(event.decoded("dtstart"), event.decoded("dtend")) for event in events] == [
        (datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])) for one in slots
    ]
    assert len({str(event["uid"]) for event in events}) == len(events)
    assert {str(event["summary"]) for event in events} >= {"corner-shop: weekly", "corner-shop: nightly"}
    assert events[0].decoded("dtend") - events[0].decoded("dtstart") <= timedelta(hours=2)
    again = icalendar.Calendar.from_ical(planned.run("windows", "--days", "7", "--ical"))
    assert [event["uid"] for event in again.walk("VEVENT")] == [event["uid"] for event in events]


def test_a_site_without_windows_says_so(shop: Shop) -> None:
    path = shop.folder / "mainstay.yaml"
    head, _, _ = path.read_text(encoding="utf-8").partition("  nightly:")
    path.write_text(head, encoding="utf-8")
    assert "No routine has a window." in shop.run("windows")
