"""A slot is prepared beforehand: every step planned, every target and copy looked at, the plan published, a no told once."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.model.because import Level
from mainstay.notify.deliver import deliver
from mainstay.notify.outbox import Outbox
from mainstay.system import clock
from tests.serve.served import Site, until


def tomorrow(site: Site, hours: int = 23) -> None:
    """A database and its copies, and a routine whose next slot begins in so many hours."""
    connection = sqlite3.connect(site.folder / "shop.db")
    with connection:
        connection.execute("CREATE TABLE IF NOT EXISTS meal (name TEXT)")
    connection.close()
    site.settings["targets"]["db"] = {"kind": "sqlite", "path": str(site.folder / "shop.db")}
    site.settings["targets"]["safe"] = {"kind": "backup", "repository": {"path": str(site.folder / "safe")}, "of": ["db"]}
    site.command("images", "echo fetched >> $E")
    site.command("care", "echo care >> $E", impact="load", neutral=False)
    begins = datetime.now(UTC) + timedelta(hours=hours)
    window = {"rule": f"daily {begins:%H:%M}", "length": "1h", "notices": ["23h"]}
    site.routine("weekly", "db.optimize", "care.run", window=window, prepare="24h", prepared_by=["images.run"])
    site.settings["notify"] = {"ops": {"webhook": {"url": "http://127.0.0.1:1/"}}}


def opened(site: Site) -> App:
    site.write()
    return App.open(site.file)


def prepared(app: App) -> list[dict[str, Any]]:
    return [event.body for event in app.journal.events(kinds=(events.ROUTINE_PREPARED,))]


def copied(site: Site) -> App:
    app = opened(site)
    for task in ("safe.backup", "safe.prove"):
        app.run(task, Launch(by="ada", envelope=app.forecast(task).envelope))
    return app


@pytest.mark.covers("PRE-08")
def test_the_service_prepares_a_slot_by_itself_once_and_publishes_the_plan(site: Site) -> None:
    tomorrow(site)
    app = copied(site)
    with site.serving() as service:
        until(lambda: prepared(app), lambda: service.told, 60)
        until(lambda: list(app.journal.events(kinds=(events.NOTICE_OWED,))), lambda: service.told, 60)
    [body] = prepared(app)
    slot = datetime.fromisoformat(body["slot"]["start"])
    assert (body["routine"], body["go"], slot > datetime.now(UTC) + timedelta(hours=20)) == ("weekly", True, True)
    assert [(one["task"], [step["action"] for step in one["steps"]]) for one in body["plan"]][1] == ("care.run", ["run"])
    assert site.done() == ["fetched"], "what is done early is done, and nothing else"
    asked = {one["on"] for one in body["findings"]}
    assert {"clock", "earlier runs", "window", "time", "db.optimize", "care.run", "images.run", "room"} <= asked
    assert any("db" in on for on in asked), "every target answers"


@pytest.mark.covers("PRE-08")
def test_a_lead_notice_tells_the_plan_and_waits_for_it(site: Site) -> None:
    tomorrow(site)
    app = copied(site)
    deliver(app.context)
    assert notices(app) == [], "it is due, and so is the preparation"
    app.prepare("weekly")
    deliver(app.context)
    [text] = [text for sort, _, text in notices(app) if sort == "lead"]
    assert "Planned, as of " in text
    assert "care.run: run " in text


def notices(app: App) -> list[tuple[str, str, str]]:
    return [(one.notice.sort, one.notice.subject, one.notice.text) for one in Outbox(app.site.state).all()]


def spoilt(site: Site) -> None:
    """No copy was ever made, the database is gone, and what is fetched early cannot be had."""
    tomorrow(site)
    site.command("images", "exit 7")
    (site.folder / "shop.db").unlink()


@pytest.mark.covers("PRE-08")
def test_everything_that_would_fail_tomorrow_is_found_today_and_told_at_once_and_once(site: Site) -> None:
    spoilt(site)
    app = opened(site)
    wrong = {one.on for one in app.prepare("weekly") if one.level >= Level.CRITICAL}
    assert {"images.run", "db.optimize"} <= wrong
    assert any(one.startswith("safe") or one == "db" for one in wrong), wrong
    deliver(app.context)
    app.prepare("weekly")
    deliver(app.context)
    [(_, subject, text)] = [one for one in notices(app) if one[0] == "refused"]
    assert "weekly is not ready for " in subject
    assert "db.optimize" in text
    assert "mainstay ready weekly --prepare" in text
    assert [body["go"] for body in prepared(app)] == [False, False]


def test_a_command_prepares_by_hand_and_its_exit_code_is_the_answer(site: Site) -> None:
    spoilt(site)
    site.write()
    assert "no go" in site.call("ready", "weekly", "--prepare", code=3).lower()
    tomorrow(site)
    copied(site)
    found = json.loads(site.call("ready", "weekly", "--prepare", "--json"))
    assert found["go"] is True


def test_neither_without_the_setting_nor_earlier_is_anything_prepared(site: Site, tmp_path: Path) -> None:
    from mainstay.engine import prepare

    tomorrow(site)
    site.settings["routines"]["weekly"]["prepare"] = "2h"
    app = opened(site)
    routine = app.routine("weekly")
    assert prepare.due(app.context, routine, clock.now()) is None
    assert prepare.due(app.context, routine, clock.now() + timedelta(hours=21, minutes=30)) is not None
    site.settings["routines"]["weekly"].pop("prepare")
    app = opened(site)
    assert prepare.due(app.context, app.routine("weekly"), clock.now() + timedelta(hours=22, minutes=30)) is None
