"""The emergency mode: users see a banner of a real nginx, scheduled runs stand still, and one way takes everything back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.model.emergency import Severity
from mainstay.model.errors import Refused, StepFailed
from mainstay.model.run import Status
from mainstay.model.units import Duration
from mainstay.people.emergencies import Alarm
from mainstay.system import http
from mainstay.system.http import Request
from tests.engine.shop import Shop
from tests.live.nginx_server import Nginx, running
from tests.people.test_emergencies import SCHEDULED, scheduled

ALARM = Alarm(Severity.S1, "CVE-2026-1 is used", "ann")
HOUR = Duration(3600)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nginx]:
    with running(tmp_path) as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, server: Nginx) -> Shop:
    """Return a site with that nginx, its mode set up, another bracket without a banner, and a scheduled change."""
    shop = Shop(tmp_path)
    shop.targets["web"] = server.settings()
    shop.change("gate")
    shop.command("menu", impact="none")
    scheduled(shop, {"menu.run": {"budget": "1m"}})
    assert shop.open().run("web.setup", Launch(by="ann")).settled
    server.reloaded()
    return shop


def page(server: Nginx, **headers: str) -> tuple[int, str]:
    answer = http.fetch(Request(f"http://127.0.0.1:{server.port}/", headers=headers), Duration(10))
    return answer.status, answer.body.decode()


@pytest.mark.covers("EMG-04")
def test_users_see_the_banner_and_scheduled_runs_stand_still_until_it_is_switched_off(shop: Shop, server: Nginx) -> None:
    shop.more = {"emergencies": {"freeze": False}}
    app = shop.open()
    found = app.emergencies.open(ALARM)
    held = app.emergency_mode.on("last", "ann", HOUR, "Orders fail.")
    assert held.mode
    assert held.mode.modes == ("web.maintenance",)
    status, shown = page(server)
    assert status == 503
    assert "Something is broken, and we are mending it" in shown
    assert "Orders fail." in shown
    assert "CVE-2026-1" not in shown
    assert '"title": "emergency maintenance"' in page(server, Accept="application/json")[1]
    with pytest.raises(Refused, match="frozen"):
        app.run("daily", SCHEDULED)
    assert app.emergency_mode.off(found.id, "bob", "mended").mode is None
    assert page(server)[0] == 200
    assert [one for one in app.modes() if one.run] == []
    assert app.run("daily", SCHEDULED).status is Status.CHANGED
    kept = [one.why for one in app.emergencies.get(found.id).evidence]
    assert kept[1:] == ["before the emergency mode was switched on", "after the emergency mode was switched off"]


@pytest.mark.covers("EMG-04")
def test_off_ends_the_freeze_of_an_open_emergency_too(shop: Shop, server: Nginx) -> None:
    app = shop.open()
    app.emergencies.open(ALARM)
    app.emergency_mode.on("last", "ann", HOUR)
    assert "We have seen it and are at work." in page(server)[1]
    app.emergency_mode.off("last", "ann", "")
    assert app.run("daily", SCHEDULED).status is Status.CHANGED


@pytest.mark.covers("EMG-04")
def test_one_that_cannot_be_put_in_force_takes_back_those_before_it(shop: Shop, server: Nginx) -> None:
    shop.change("broken", text="exit 1")
    shop.more = {"emergencies": {"mode": ["web.maintenance", "broken.hold"]}}
    app = shop.open()
    found = app.emergencies.open(ALARM)
    with pytest.raises(StepFailed, match="taken back"):
        app.emergency_mode.on("last", "ann", HOUR)
    assert page(server)[0] == 200
    assert app.emergencies.get(found.id).mode is None
    assert [one for one in app.modes() if one.run] == []


@pytest.mark.covers("EMG-04")
def test_what_somebody_has_put_in_force_before_stays_when_it_is_switched_off(shop: Shop, server: Nginx) -> None:
    app = shop.open()
    app.mode_on("web", HOUR, "New shelves.")
    app.emergencies.open(ALARM)
    held = app.emergency_mode.on("last", "ann", HOUR).mode
    assert held
    assert held.modes == ()
    app.emergency_mode.off("last", "ann", "")
    assert page(server)[0] == 503
    app.mode_off("web", "ann", "")


def test_a_crash_between_the_event_and_the_banner_is_taken_back_by_the_same_way(shop: Shop, server: Nginx) -> None:
    app = shop.open()
    found = app.emergencies.open(ALARM)
    body = {"by": "ann", "modes": ["web.maintenance"], "lasts": 3600}
    app.journal.append(events.EMERGENCY_MODE_ON, body, run=found.id)
    with pytest.raises(Refused, match="frozen"):
        app.run("daily", SCHEDULED)
    with pytest.raises(Refused, match="has switched it on"):
        app.emergency_mode.on("last", "bob", HOUR)
    assert app.emergency_mode.off("last", "bob", "").mode is None
    assert page(server)[0] == 200
