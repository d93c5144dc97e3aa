"""Little traffic before a scheduled run: asked, waited for, and what is done when it does not come."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.engine.run import Launch
from mainstay.model.errors import ConfigError, Refused
from mainstay.model.plan import Impact
from mainstay.model.run import RunRecord, Status
from mainstay.schedule.agenda import Announced
from mainstay.system import clock
from tests.engine.shop import Shop
from tests.engine.test_gate import SCHEDULED, open_now

REQUESTS = "SELECT count(*) FROM requests WHERE agent <> 'probe'"


@pytest.fixture
def street(shop: Shop) -> Shop:
    """A shop whose requests are in a database, probes too, and which runs when there are at most ten."""
    with closing(sqlite3.connect(shop.folder / "traffic.db", isolation_level=None)) as database:
        database.execute("CREATE TABLE requests(agent TEXT)")
    shop.targets["traffic"] = {"kind": "sqlite", "path": str(shop.folder / "traffic.db")}
    shop.command("menu")
    shop.routines = {"daily": {"tasks": [{"menu.run": {"budget": "1m"}}]}}
    open_now(shop)
    return shop


def requests(shop: Shop, count: int, agent: str = "people") -> None:
    with closing(sqlite3.connect(shop.folder / "traffic.db", isolation_level=None)) as database:
        database.execute("DELETE FROM requests")
        database.executemany("INSERT INTO requests VALUES (?)", [(agent,)] * count)


def run(shop: Shop, **quiet: Any) -> RunRecord:
    shop.routines["daily"]["quiet"] = {"target": "traffic", "query": REQUESTS, "at_most": 10, **quiet}
    return shop.open().run("daily", SCHEDULED)


@pytest.mark.covers("SCH-15", "PRE-05")
@pytest.mark.parametrize(("count", "agent"), [(0, "people"), (10, "people"), (500, "probe")])
def test_up_to_the_limit_it_starts_and_probes_do_not_count(street: Shop, count: int, agent: str) -> None:
    requests(street, count, agent)
    assert run(street).status is Status.CHANGED


@pytest.mark.covers("SCH-15", "PRE-05")
def test_above_the_limit_it_is_put_off_and_tried_again_in_the_same_slot(street: Shop) -> None:
    requests(street, 11)
    with pytest.raises(Refused, match=r"too much traffic \(daily\): traffic 11 > quiet.at_most 10"):
        run(street)
    assert street.effects == []
    requests(street, 3)
    assert run(street).status is Status.CHANGED, "the slot was not claimed"


@pytest.mark.covers("SCH-15")
def test_it_waits_until_it_is_quiet_and_says_for_how_long(street: Shop) -> None:
    requests(street, 11)
    later = threading.Timer(1.0, requests, (street, 2))
    later.start()
    record = run(street, wait="2s")
    later.join()
    assert record.status is Status.CHANGED
    [remark] = [one for one in record.remarks if one.act == "waited"]
    assert "until it was quiet: traffic 11 > quiet.at_most 10" in remark.text


@pytest.mark.covers("SCH-15")
def test_it_goes_on_all_the_same_where_the_routine_says_so(street: Shop) -> None:
    requests(street, 11)
    record = run(street, otherwise="proceed")
    assert record.status is Status.CHANGED
    [remark] = [one for one in record.remarks if one.act == "waited"]
    assert "and went on all the same: traffic 11 > quiet.at_most 10 (mainstay.yaml:" in remark.text


def test_a_figure_of_a_check_is_asked_as_well(street: Shop) -> None:
    with pytest.raises(Refused, match="its check has no figure 'requests'; it has"):
        run(street, query="", figure="requests")


def test_where_nobody_can_tell_nothing_starts(street: Shop) -> None:
    Path(street.folder / "traffic.db").unlink()
    with pytest.raises(Refused, match="nobody can tell how much traffic there is"):
        run(street)
    assert street.open().unsettled() == []


def test_a_person_who_starts_it_is_not_held_up(street: Shop) -> None:
    requests(street, 11)
    street.routines["daily"]["quiet"] = {"target": "traffic", "query": REQUESTS, "at_most": 10}
    app = street.open()
    assert app.run("daily", Launch(by="ada", envelope=app.forecast("daily").envelope)).status is Status.CHANGED


def test_it_waits_no_longer_than_its_slot_lasts(street: Shop) -> None:
    requests(street, 11)
    street.windows = {}
    street.routines["daily"]["quiet"] = {"target": "traffic", "query": REQUESTS, "at_most": 10, "wait": "24h"}
    app, start = street.open(), clock.now() + timedelta(seconds=1)
    app.announcements.announce(Announced("daily-1", "daily", start, start + timedelta(seconds=3), Impact.LOAD, "ada", ""))
    while clock.now() < start:
        clock.sleep(0.05)
    with pytest.raises(Refused, match="too much traffic"):
        app.run("daily", SCHEDULED)


@pytest.mark.parametrize(
    ("quiet", "told"),
    [
        ({"query": REQUESTS, "figure": "x"}, "one of `figure` and `query`"),
        ({"target": "nobody", "query": REQUESTS}, "nobody"),
        ({"target": "menu", "query": REQUESTS}, "a target of kind command answers no query"),
    ],
)
def test_mistakes_are_told(street: Shop, quiet: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        run(street, **quiet)
