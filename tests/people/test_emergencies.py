"""Emergencies: an id of their own, evidence before anything is mended, a freeze, a timeline, and what is left to do."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mainstay.app import App
from mainstay.cli import emergencies as told
from mainstay.engine.run import Launch
from mainstay.ledger import emergencies as remembered
from mainstay.ledger import events
from mainstay.ledger.lessons import RUNBOOK
from mainstay.model.because import Level
from mainstay.model.emergency import Assessment, Emergency, Severity, assess
from mainstay.model.errors import ConfigError, Refused
from mainstay.model.run import Status
from mainstay.people.emergencies import Alarm
from mainstay.report.render import as_json, render
from mainstay.system import clock
from tests.engine.shop import Shop

SCHEDULED = Launch(by="timer", attended=False, scheduled=True)
ALARM = Alarm(Severity.S1, "orders fail", "ann", contacts=("bob",))


def opened(shop: Shop) -> tuple[App, Emergency]:
    app = shop.open()
    return app, app.emergencies.open(ALARM)


def scheduled(shop: Shop, *tasks: Any) -> None:
    """Make a routine whose window is open now."""
    began = clock.now().astimezone(ZoneInfo("Europe/Berlin")) - timedelta(minutes=1)
    shop.windows = {"daily": {"rule": f"daily {began:%H:%M}", "length": "1h"}}
    shop.routines = {"daily": {"tasks": list(tasks)}}


def site_with_backup(shop: Shop) -> None:
    sqlite3.connect(shop.folder / "shop.db").execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)").connection.close()
    shop.targets["db"] = {"kind": "sqlite", "path": str(shop.folder / "shop.db")}
    shop.targets["safe"] = {"kind": "backup", "repository": {"path": str(shop.folder / "backups")}, "of": ["db"]}


def test_opening_one_keeps_what_is_red_what_changed_last_and_what_is_not_settled(shop: Shop) -> None:
    shop.change("menu")
    shop.targets["cook"] = {"kind": "manual", "text": "Is the kitchen closed?"}
    shop.targets["api"] = {"kind": "http", "url": "http://127.0.0.1:9/health"}
    app = shop.open()
    changed = app.run("menu.run", Launch(by="ann", envelope=app.forecast("menu.run").envelope))
    parked = app.run("cook.sign", Launch(by="ann"))
    (kept,) = app.emergencies.open(ALARM).evidence
    red = {seen.task for seen in kept.looks if any(one.level > Level.OK for one in seen.findings)}
    assert "api.check" in red
    assert {seen.task for seen in kept.looks} >= {"api.check", "menu.check"}
    assert next(seen.facts for seen in kept.looks if seen.task == "menu.check") is not None
    assert kept.changed == (changed.id,)
    assert parked.id in kept.unsettled


def test_ids_are_counted_by_the_ledger_and_never_given_twice(shop: Shop) -> None:
    apps = [shop.open() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda number: remembered.claim(apps[number % 4].journal, 2026), range(24)))
    assert sorted(ids) == [f"EM-2026-{number:03d}" for number in range(1, 25)]
    assert remembered.claim(apps[0].journal, 2027) == "EM-2027-001"


def test_whoever_dies_between_the_id_and_the_opening_leaves_a_gap_and_no_emergency(shop: Shop) -> None:
    app = shop.open()
    lost = remembered.claim(app.journal, clock.now().year)
    assert app.emergencies.all(9) == []
    with pytest.raises(Refused, match="no such emergency"):
        app.emergencies.get(lost)
    assert app.emergencies.open(ALARM).id == f"{lost[:-1]}2"


@pytest.mark.parametrize(
    ("found", "severity", "because"),
    [
        (Assessment(data_at_risk=True), Severity.S1, "assessed: data at risk"),
        (Assessment(users="all"), Severity.S1, "assessed: users all"),
        (Assessment(vulnerable=True, exposed=True, used=True), Severity.S1, "assessed: vulnerable, exposed, used"),
        (Assessment(vulnerable=True, used=True), Severity.S2, "assessed: vulnerable, used"),
        (Assessment(users="most"), Severity.S2, "assessed: users most"),
        (Assessment(exposed=True, used=True, users="some"), Severity.S3, "assessed: users some"),
        (Assessment(vulnerable=True), Severity.S3, "assessed: vulnerable"),
        (Assessment(exposed=True, used=True), Severity.S4, "assessed: nothing of the table applies"),
    ],
)
def test_the_severity_comes_from_the_first_row_that_fits(found: Assessment, severity: Severity, because: str) -> None:
    assert (assess(found)[0], str(assess(found)[1])) == (severity, because)


def test_a_scheduled_run_makes_its_backup_and_defers_what_would_change_something(shop: Shop) -> None:
    site_with_backup(shop)
    shop.command("menu", impact="none")
    scheduled(shop, {"safe.backup": {"budget": "1m"}}, {"menu.run": {"budget": "1m"}})
    app, found = opened(shop)
    done = app.run("daily", SCHEDULED)
    assert [task.status for task in done.tasks] == [Status.CHANGED, Status.DEFERRED]
    assert done.task("menu.run").because == f"an emergency is open: {found.id}: orders fail"
    assert shop.effects == []


def test_a_scheduled_run_of_nothing_but_changes_does_not_start_until_it_is_closed(shop: Shop) -> None:
    shop.command("menu", impact="none")
    scheduled(shop, {"menu.run": {"budget": "1m"}})
    app, found = opened(shop)
    with pytest.raises(Refused, match=f"frozen.*{found.id}"):
        app.run("daily", SCHEDULED)
    app.emergencies.close(found.id, "ann", "mended", [])
    assert app.run("daily", SCHEDULED).status is Status.CHANGED


def test_a_person_may_run_what_is_frozen_and_the_configuration_may_say_no(shop: Shop) -> None:
    shop.command("menu", impact="none")
    app, _ = opened(shop)
    assert app.run("menu.run", Launch(by="ann", envelope=app.forecast("menu.run").envelope)).status is Status.CHANGED
    scheduled(shop, {"menu.run": {"budget": "1m"}})
    shop.more = {"emergencies": {"freeze": False}}
    assert shop.open().run("daily", SCHEDULED).status is Status.CHANGED


@pytest.mark.covers("EMG-05")
def test_each_phase_has_its_owner_and_its_time_and_a_closed_one_takes_notes_only(shop: Shop) -> None:
    app, found = opened(shop)
    app.emergencies.phase("last", "cause", "ann", "bob", "looks at the index")
    app.emergencies.phase(found.id, "fix", "ann", "", "")
    with pytest.raises(ConfigError, match="no phase 'repair'"):
        app.emergencies.phase(found.id, "repair", "ann", "", "")
    app.emergencies.close(found.id, "ann", "rebuilt", ["alert earlier"])
    with pytest.raises(Refused, match="closed"):
        app.emergencies.phase(found.id, "watch", "ann", "", "")
    app.emergencies.note(found.id, "bob", "it was the disk after all")
    said = app.emergencies.get(found.id).said
    assert [(one.phase, one.owner, one.text) for one in said] == [
        ("cause", "bob", "looks at the index"),
        ("fix", "ann", ""),
        ("", "", "it was the disk after all"),
    ]
    assert found.opened < said[0].at < said[1].at < said[2].at


def test_closing_opens_the_follow_up_that_the_runbook_is_updated(shop: Shop) -> None:
    app, found = opened(shop)
    closed = app.emergencies.close(found.id, "ann", "rebuilt", ["alert earlier", "alert earlier"])
    assert [one.text for one in closed.follow_ups] == ["alert earlier", RUNBOOK]
    app.emergencies.follow(found.id, 2, "bob", "chapter 4")
    done = app.emergencies.get(found.id).follow_ups[1]
    assert (done.by, done.remark, done.done is not None) == ("bob", "chapter 4", True)
    with pytest.raises(Refused, match="done already"):
        app.emergencies.follow(found.id, 2, "ann", "")
    with pytest.raises(Refused, match="no such follow-up"):
        app.emergencies.follow(found.id, 3, "ann", "")
    with pytest.raises(Refused, match="closed"):
        app.emergencies.close(found.id, "bob", "again", [])


def test_its_id_is_not_taken_for_that_of_a_run(shop: Shop) -> None:
    app, found = opened(shop)
    with pytest.raises(Refused, match="no such run"):
        app.run_record(found.id)


def test_two_who_close_it_at_once_leave_the_first_word(shop: Shop) -> None:
    app, found = opened(shop)
    for by in ("ann", "bob"):
        app.journal.append(events.EMERGENCY_CLOSED, {"by": by, "resolution": by, "follow_ups": []}, run=found.id)
    assert app.emergencies.get(found.id).closed_by == "ann"


@pytest.mark.covers("EMG-06")
def test_the_report_holds_what_was_done_and_said_and_seen_in_every_format(shop: Shop) -> None:
    shop.change("menu")
    shop.targets["api"] = {"kind": "http", "url": "http://127.0.0.1:9/health"}
    app, found = opened(shop)
    run = app.run("menu.run", Launch(by="ann", envelope=app.forecast("menu.run").envelope))
    app.emergencies.note(found.id, "bob", "the provider confirms it")
    app.emergencies.close(found.id, "ann", "menu replaced", ["alert earlier"])
    report = told.report(app, found.id)
    lines = [line.what for line in report.timeline]
    assert lines.index("opened as S1") < lines.index("menu.run started") < lines.index("note") < lines.index("closed")
    assert [(act.task, act.run, act.status) for act in report.actions] == [("menu.run", run.id, Status.CHANGED)]
    assert {seen.task for seen in report.red_at_last or ()} == {"api.check"}
    for format in ("text", "markdown", "html"):
        text = render(report, format)
        assert all(word in text for word in (found.id, "menu replaced", "alert earlier", "the provider confirms it"))
    assert as_json(report)["emergency"]["id"] == found.id


def test_figures_are_told_before_during_and_after(shop: Shop) -> None:
    from mainstay.model.figure import Figure

    shop.command("menu")
    app = shop.open()
    now = clock.now()
    for minutes, value in ((-60, 10.0), (-30, 12.0), (-20, 11.0)):
        app.context.samples.record("menu", now + timedelta(minutes=minutes), [Figure("answer", value, "s")])
    found = app.emergencies.open(ALARM)
    app.context.samples.record("menu", clock.now(), [Figure("answer", 90.0, "s")])
    app.emergencies.close(found.id, "ann", "done", [])
    app.context.samples.record("menu", clock.now(), [Figure("answer", 13.0, "s")])
    (moved,) = [one for one in told.report(app, found.id).impact if one.name == "answer"]
    assert (moved.before, moved.during, moved.after) == (11.0, 90.0, 13.0)
    assert 'class="span"' in render(told.report(app, found.id), "html")


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"escalation": [{"after": "15m", "to": "boss"}]}, "no contact 'boss'"),
        ({"severities": {"S9": {"meaning": "x", "respond": "1m", "update": "1h"}}}, "no severity 'S9'"),
        ({"fixes": {"heat": ["menu.run"]}}, "no symptom 'heat'"),
        ({"fixes": {"cpu": ["menu.rum"]}}, "menu is of kind command, which has no task 'rum'"),
        ({"contacts": {"boss": ""}, "freze": True}, "unknown key"),
    ],
)
def test_mistakes_of_the_section_are_told_with_their_line(shop: Shop, section: dict[str, Any], problem: str) -> None:
    shop.command("menu")
    shop.more = {"emergencies": section}
    with pytest.raises(ConfigError, match=f"mainstay.yaml:\\d+: emergencies.*{problem}"):
        shop.open()


def test_contacts_of_a_severity_are_those_who_are_told(shop: Shop, tmp_path: Path) -> None:
    shop.command("menu")
    rank = {"meaning": "all is lost", "respond": "5m", "update": "10m", "contacts": ["boss"]}
    shop.more = {"emergencies": {"contacts": {"boss": "+49 30 1", "desk": "desk@example.com"}, "severities": {"S1": rank}}}
    app = shop.open()
    assert app.emergencies.open(ALARM).contacts == {"boss": "+49 30 1", "bob": "bob"}
    assert app.emergencies.open(Alarm(Severity.S4, "a flaw", "ann")).contacts == {"boss": "+49 30 1", "desk": "desk@example.com"}
