"""Checklists: facts answer, persons answer the rest, and persons sign what it amounts to."""

from __future__ import annotations

import os
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mainstay.app import App
from mainstay.config.checklists import forms
from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.model.checklist import Answer, Due, Sheet
from mainstay.model.errors import ConfigError, Refused
from mainstay.model.task import Window
from mainstay.model.units import Duration
from mainstay.report.checklist import build
from mainstay.report.render import as_json, render
from mainstay.schedule.checklists import last_due, next_due
from mainstay.system import clock
from tests.engine.shop import Shop

BERLIN = ZoneInfo("Europe/Berlin")
TWO = ["backup administrator", "IT manager"]


def site(shop: Shop, *items: Any, **more: Any) -> App:
    """Open a site with one checklist."""
    if "menu" not in shop.targets:
        shop.command("menu")
    shop.more = {"checklists": {"daily": {"items": {"Shop": list(items)}, **more}}}
    return shop.open()


def answered(shop: Shop, *items: Any) -> list[tuple[Answer, str]]:
    return [(line.answer, line.text) for line in site(shop, *items).checklists.answer("daily").lines]


def signed(app: App, sheet: Sheet, *names: str) -> Sheet:
    for number, name in enumerate(names):
        app.checklists.sign(sheet.id, name, TWO[number], "")
    return app.checklists.sheet(sheet.id)


def test_a_look_answers_by_its_findings_from_a_level_on(shop: Shop) -> None:
    shop.command("sour", after=["/bin/false"])
    found = answered(shop, {"text": "good", "task": "menu.check"}, {"text": "bad", "task": "sour.check"}, "a person")
    assert [answer for answer, _ in found] == [Answer.OK, Answer.NOT_OK, Answer.OPEN]


def test_a_fact_and_a_figure_are_held_against_limits(shop: Shop) -> None:
    Repository(shop).run("backup")
    found = answered(
        shop,
        {"text": "small", "task": "safe.check", "figure": "stored", "at_most": "1MB"},
        {"text": "large", "task": "safe.check", "figure": "stored", "at_least": "1GB"},
        {"text": "no such figure", "task": "safe.check", "figure": "warmth", "at_least": 3},
        {"text": "room", "task": "safe.check", "fact": "free", "at_least": "1kB"},
        {"text": "mode", "task": "safe.check", "fact": "mode", "equals": 448},
        {"text": "other mode", "task": "safe.check", "fact": "mode", "equals": 493},
    )
    ok, bad, open = Answer.OK, Answer.NOT_OK, Answer.OPEN
    assert [answer for answer, _ in found] == [ok, bad, open, ok, ok, bad]
    assert found[0][1].endswith("wanted at most 1 MB")
    assert found[2][1] == "safe.check shows no warmth: a person has to answer"


def test_the_newest_run_answers_and_a_failed_or_old_one_says_no(shop: Shop) -> None:
    shop.command("bad", text="exit 3", impact="none")
    items = [{"text": "done", "done": "menu.run"}, {"text": "never", "done": "bad.run"}]
    app = site(shop, *items)
    app.run("menu.run", Launch(by="ann", envelope=app.forecast("menu.run").envelope))
    first = app.checklists.answer("daily")
    assert [line.answer for line in first.lines] == [Answer.OK, Answer.NOT_OK]
    assert first.lines[1].text == "bad.run has never run"
    app.run("bad.run", Launch(by="ann", envelope=app.forecast("bad.run").envelope))
    assert app.checklists.answer("daily").lines[1].text.startswith("bad.run is failed")


def test_a_target_that_cannot_be_looked_at_is_not_in_order(shop: Shop) -> None:
    shop.targets["db"] = {"kind": "sqlite", "path": str(shop.folder / "none.db")}
    ((answer, text),) = answered(shop, {"text": "the database answers", "task": "db.check"})
    assert answer is Answer.NOT_OK
    assert "none.db" in text


def test_a_persons_answer_has_a_name_and_is_not_taken_away_by_facts(shop: Shop) -> None:
    app = site(shop, {"text": "good", "task": "menu.check"}, "the till is counted")
    with pytest.raises(Refused, match=r"a remark is needed.*not in order"):
        app.checklists.answer_as("daily", 2, "ann", "", ok=False)
    with pytest.raises(Refused, match=r"a remark is needed.*facts answer"):
        app.checklists.answer_as("daily", 1, "ann", "", ok=True)
    with pytest.raises(Refused, match="no such item"):
        app.checklists.answer_as("daily", 3, "ann", "", ok=True)
    app.checklists.answer_as("daily", 1, "ann", "the oven is cold", ok=False)
    line = app.checklists.answer("daily").lines[0]
    assert (line.answer, line.by, line.text) == (Answer.NOT_OK, "ann", "the oven is cold")


@pytest.mark.covers("CHK-05")
def test_two_persons_are_two_persons(shop: Shop) -> None:
    app = site(shop, "proven", signed_by=TWO)
    with pytest.raises(Refused, match="not every item is answered"):
        app.checklists.sign("daily", "ann", "", "")
    app.checklists.answer_as("daily", 1, "ann", "", ok=True)
    app.checklists.sign("daily", "Ann Lee", TWO[0], "")
    for same in ("Ann Lee", "ann  lee ", "ANN LEE"):
        with pytest.raises(Refused, match="a person counts once"):
            app.checklists.sign("daily", same, TWO[1], "")
    with pytest.raises(Refused, match="and so does a role"):
        app.checklists.sign("daily", "bob", TWO[0], "")
    with pytest.raises(Refused, match="nobody signs it in that role"):
        app.checklists.sign("daily", "bob", "cook", "")
    assert not app.checklists.sheet("daily").complete
    assert app.checklists.sign("daily", "bob", "", "").complete


def test_of_two_who_sign_in_one_moment_the_first_counts(shop: Shop) -> None:
    app = site(shop, "proven", signed_by=TWO)
    sheet = app.checklists.answer_as("daily", 1, "ann", "", ok=True)
    for role, by in ((TWO[0], "ann"), (TWO[1], "ANN"), (TWO[0], "bob")):
        body = {"by": by, "role": role, "login": "root", "content": sheet.content, "text": ""}
        app.journal.append(events.CHECKLIST_SIGNED, body, run=sheet.id)
    assert [(one.by, one.role) for one in app.checklists.sheet("daily").signatures] == [("ann", TWO[0])]


@pytest.mark.covers("CHK-05")
def test_a_signature_holds_for_the_answers_that_it_was_given_for(shop: Shop) -> None:
    app = site(shop, "proven", "counted", signed_by=TWO)
    app.checklists.answer_as("daily", 1, "ann", "", ok=True)
    whole = signed(app, app.checklists.answer_as("daily", 2, "ann", "", ok=True), "ann", "bob")
    assert whole.complete
    assert all(one.content == whole.content for one in whole.given)
    changed = app.checklists.answer_as(whole.id, 2, "bob", "one is missing", ok=False)
    assert (changed.complete, changed.signatures, changed.missing) == (False, (), tuple(TWO))
    text = render(build("shop", changed, clock.now().astimezone(BERLIN), ""), "markdown")
    assert "no longer counts: an answer was changed afterwards" in text


def test_what_facts_say_again_in_other_words_does_not_end_a_signature(shop: Shop) -> None:
    item = {"text": "done", "done": "menu.run"}
    app = site(shop, item, signed_by=TWO)
    app.run("menu.run", Launch(by="ann", envelope=app.forecast("menu.run").envelope))
    first = app.checklists.answer("daily")
    app.checklists.sign(first.id, "ann", TWO[0], "")
    again = app.checklists.answer(first.id)
    assert (again.lines, len(again.signatures)) == (first.lines, 1)


def test_what_is_not_in_order_is_signed_with_what_was_done_about_it(shop: Shop) -> None:
    app = site(shop, "the till is counted")
    app.checklists.answer_as("daily", 1, "ann", "two coins short", ok=False)
    with pytest.raises(Refused, match="what was done about it is missing"):
        app.checklists.sign("daily", "ann", "", "")
    sheet = app.checklists.sign("daily", "ann", "", "counted again")
    report = build("shop", sheet, clock.now().astimezone(BERLIN), "head")
    assert report.status == "needs attention"
    for format in ("text", "markdown", "html"):
        text = render(report, format)
        assert all(word in text for word in ("two coins short", "counted again", sheet.content))
    assert as_json(report)["sheet"]["given"][0]["by"] == "ann"


def test_its_form_is_the_one_that_it_was_opened_with(shop: Shop) -> None:
    sheet = site(shop, "the till is counted").checklists.answer_as("daily", 1, "ann", "", ok=True)
    later = site(shop, "something else", "and more")
    assert [line.item.text for line in later.checklists.sheet(sheet.id).lines] == ["the till is counted"]


def test_looking_at_a_blank_one_opens_nothing(shop: Shop) -> None:
    app = site(shop, "the till is counted")
    before = app.journal.head()
    assert app.checklists.sheet("daily").unanswered
    assert app.journal.head() == before


@pytest.mark.covers("CHK-05")
def test_a_reminder_opens_what_is_due_answers_it_and_names_who_is_missing(shop: Shop) -> None:
    due = clock.now().astimezone(BERLIN) - timedelta(minutes=5)
    rule = {"due": {"rule": f"daily {due:%H:%M}"}, "remind": ["1m", "2m", "3h"]}
    app = site(shop, {"text": "good", "task": "menu.check"}, "the till is counted", **rule)
    (sheet,) = app.remind()[1]
    assert [line.answer for line in sheet.lines] == [Answer.OK, Answer.OPEN]
    told = next(app.journal.events(kinds=(events.CHECKLIST_REMINDED,))).body
    assert (told["after"], told["missing"], told["unanswered"]) == (120.0, ["verifier"], [2])
    assert app.remind()[1] == []


def test_a_complete_one_reminds_nobody(shop: Shop) -> None:
    due = clock.now().astimezone(BERLIN) - timedelta(minutes=5)
    app = site(shop, "counted", due={"rule": f"daily {due:%H:%M}"}, remind=["1m"])
    app.checklists.answer_as("daily", 1, "ann", "", ok=True)
    app.checklists.sign("daily", "ann", "", "")
    assert app.remind()[1] == []


@pytest.mark.covers("CHK-12")
@pytest.mark.parametrize(
    ("due", "last", "next"),
    [
        (Due(rule="sunday 07:00"), "2026-11-22 07:00", "2026-11-29 07:00"),
        (Due(before="weekly"), "2026-11-22 02:00", "2026-11-29 02:00"),
        (Due(before="weekly", lead=Duration(3600)), "2026-11-22 01:00", "2026-11-29 01:00"),
        (Due(after="weekly"), "2026-11-22 06:00", "2026-11-29 06:00"),
    ],
)
def test_it_is_due_by_a_rule_or_around_a_window(due: Due, last: str, next: str) -> None:
    windows = {"weekly": Window("weekly", "sunday 02:00", Duration(4 * 3600))}
    now = datetime(2026, 11, 28, 12, tzinfo=BERLIN)
    found = last_due(due, windows, now, BERLIN), next_due(due, windows, now, BERLIN)
    assert [f"{one.astimezone(BERLIN):%Y-%m-%d %H:%M}" for one in found if one] == [last, next]
    assert last_due(due, windows, found[1], BERLIN) == found[1]


@pytest.mark.parametrize(
    ("one", "problem"),
    [
        ({"items": {}}, "has no item"),
        ({"form": "backup-dayly"}, "no form 'backup-dayly'.*backup-daily"),
        ({"form": "backup-daily", "targets": {"backup": "menu"}}, "no role 'backup'.*backups"),
        ({"form": "backup-daily", "targets": {"backups": "manu"}}, "no target 'manu'.*menu"),
        ({"items": {"a": [{"text": "x", "task": "menu.chek"}]}}, "no task 'chek'.*check"),
        ({"items": {"a": [{"text": "x", "task": "menu.check", "done": "menu.run"}]}}, "only one of task, done and proven"),
        ({"items": {"a": [{"text": "x", "figure": "size"}]}}, "belong to a task"),
        ({"items": {"a": [{"text": "x", "task": "menu.check", "at_least": 3}]}}, "a fact or figure needs"),
        ({"items": {"a": [{"text": "x", "proven": "manu"}]}}, "no target 'manu'"),
        ({"items": {"a": ["x"]}, "due": {"rule": "daly 07:00"}}, "due.rule"),
        ({"items": {"a": ["x"]}, "due": {"before": "weekly"}}, "no window 'weekly'"),
        ({"items": {"a": ["x"]}, "due": {}}, "write one of rule, before and after"),
        ({"items": {"a": ["x"]}, "signed_by": ["a", "a"]}, "names a role twice"),
    ],
)
def test_mistakes_are_told_with_their_line(shop: Shop, one: dict[str, Any], problem: str) -> None:
    shop.command("menu")
    shop.more = {"checklists": {"daily": one}}
    with pytest.raises(ConfigError, match=f"(?s)mainstay.yaml:\\d+: checklists.daily.*{problem}"):
        shop.open()


@pytest.mark.parametrize("form", forms())
def test_every_form_can_be_used_with_and_without_targets(shop: Shop, form: str) -> None:
    shop.command("menu")
    shop.more = {"checklists": {"bare": {"form": form}}}
    lines = shop.open().checklists.sheet("bare").lines
    assert lines
    assert not any(line.item.automatic for line in lines)


class Repository:
    """A site with a repository, and the daily form on it."""

    def __init__(self, shop: Shop) -> None:
        self.path = shop.folder / "backups"
        database = sqlite3.connect(shop.folder / "shop.db")
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
        database.close()
        shop.targets["db"] = {"kind": "sqlite", "path": str(shop.folder / "shop.db")}
        shop.targets["safe"] = {"kind": "backup", "repository": {"path": str(self.path)}, "of": ["db"]}
        shop.more = {"checklists": {"daily": {"form": "backup-daily", "targets": {"backups": "safe", "data": "db"}}}}
        self.app = shop.open()

    def run(self, *tasks: str) -> None:
        for task in tasks:
            self.app.run(f"safe.{task}", Launch(by="ann", envelope=self.app.forecast(f"safe.{task}").envelope))

    def wrong(self) -> set[int]:
        """Return the numbers of the items that facts say are not in order."""
        return {line.number for line in self.app.checklists.answer("daily").wrong}


@pytest.mark.covers("CHK-05")
def test_each_item_of_the_daily_form_notices_what_it_is_about(shop: Shop) -> None:
    site = Repository(shop)
    assert site.wrong() >= {1, 3, 6, 8, 10, 13, 14}
    site.run("backup", "prove", "prune")
    assert site.wrong() == {2}  # 8 kB are no 10 MB
    (site.path / "backups" / "stranger").write_text("of nobody")
    assert site.wrong() == {2, 16}
    (site.path / "backups" / "stranger").unlink()
    site.path.chmod(0o755)
    assert site.wrong() == {2, 4}
    site.path.chmod(0o700)
    manifest = next(site.path.rglob("manifest*"))
    kept = manifest.read_bytes()
    manifest.write_bytes(b"{}")
    assert {5} <= site.wrong()
    manifest.write_bytes(kept)
    os.rename(site.path, gone := Path(f"{site.path}.gone"))
    assert {9} <= site.wrong()
    assert gone.exists()


@pytest.mark.covers("CHK-12")
def test_the_checklists_around_a_window_are_answered_by_real_looks(shop: Shop) -> None:
    Repository(shop)
    shop.targets["api"] = {"kind": "http", "url": "http://127.0.0.1:9/health"}
    shop.targets["host"] = {"kind": "host"}
    shop.windows = {"weekly": {"rule": "sunday 02:00", "length": "4h"}}
    shop.more = {
        "checklists": {
            "before": {"form": "before-maintenance", "targets": {"backups": "safe", "data": "db"}, "due": {"before": "weekly"}},
            "after": {"form": "after-maintenance", "targets": {"data": "db"}, "due": {"after": "weekly"}},
        }
    }
    app = shop.open()
    before, after = app.checklists.answer("before"), app.checklists.answer("after")
    assert (after.due - before.due) == timedelta(hours=4)
    assert before.lines[0].answer is Answer.NOT_OK  # nothing was ever proven
    assert next(line for line in after.lines if line.item.task == "api.check").answer is Answer.NOT_OK
    assert next(line for line in after.lines if line.item.task == "db.check").answer is Answer.OK
    assert {line.answer for line in after.lines if not line.item.automatic} == {Answer.OPEN}


@pytest.mark.covers("CHK-05")
def test_the_weekly_form_names_what_is_missing_and_the_month_is_approved_by_two(shop: Shop) -> None:
    site = Repository(shop)
    roles = {"backups": "safe", "data": "db"}
    shop.more = {"checklists": {"weekly": {"form": "backup-weekly", "targets": roles}, "month": {"form": "backup-monthly"}}}
    site.run("backup", "prove", "prune")
    app = shop.open()
    weekly = app.checklists.answer("weekly")
    texts = {line.item.text: line.answer for line in weekly.lines}
    assert texts["Backup command completed without errors"] is Answer.OK
    assert texts["File integrity verified (can restore)"] is Answer.OK
    assert texts["File size reasonable (> 50 MB)"] is Answer.NOT_OK
    assert texts["Copied to secondary location"] is Answer.NOT_OK
    assert texts["Residents: as expected"] is Answer.OPEN
    assert f"(week {weekly.due.astimezone(BERLIN):%V})" in render(
        build("shop", weekly, clock.now().astimezone(BERLIN), ""), "text"
    )
    for line in app.checklists.sheet("month").lines:
        month = app.checklists.answer_as("month", line.number, "ann", "looked at it", ok=True)
    assert signed(app, month, "ann").missing == ("IT manager",)
    assert app.checklists.sign(month.id, "bob", "IT manager", "").complete
