"""The daily and the weekly report, from stored runs alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mainstay.ledger import events, runs
from mainstay.ledger.journal import Journal
from mainstay.model.because import Finding, Level, because
from mainstay.model.codec import encode
from mainstay.model.run import RunRecord, Status, Verdict
from mainstay.report.period import Digest, Due, Scope, digest
from mainstay.report.render import render
from mainstay.report.run import build
from tests.report.sample import NOW, bad, good, weeks
from tests.report.test_formats import same

WEEK = NOW - timedelta(days=7)
DUE = (Due("weekly", bad().began), Due("daily", NOW - timedelta(hours=30)))


def weekly(*runs: RunRecord, scope: Scope | None = None) -> Digest:
    return digest([*weeks(), *runs], WEEK, NOW, NOW, scope or Scope("Weekly report", DUE))


@pytest.mark.covers("RPT-02")
def test_a_week_is_told_as_it_is_written_down() -> None:
    same("week.txt", render(weekly(bad())))
    same("week.md", render(weekly(bad()), "markdown"))


@pytest.mark.covers("RPT-01")
def test_deviations_come_before_everything_else() -> None:
    text = render(weekly(bad()))
    assert text.index("Deviations") < text.index("Routines") < text.index("Done")


def test_a_routine_that_never_ran_is_overdue() -> None:
    lines = {one.name: one for one in weekly(good(11)).routines}
    assert (lines["daily"].overdue, lines["weekly"].overdue) == (True, False)
    assert "daily" in weekly(good(11)).deviations[0].on


def test_a_routine_that_takes_longer_than_it_used_to_is_told() -> None:
    told = [one.text for one in weekly(bad()).deviations if one.on == "weekly"]
    assert told == ["took 22m31s, 14m45s before"]


@pytest.mark.covers("RPT-01")
def test_a_quiet_digest_is_silent_when_nothing_changed() -> None:
    run = replace(good(11), tasks=(good(11).task("cert.renew"),), status=Status.OK)
    short = replace(run, ended=run.began + timedelta(minutes=1), began=run.began)
    quiet = weekly(short, scope=Scope("Daily report", quiet=True))
    assert quiet.silent
    assert render(quiet).splitlines()[1] == "Nothing changed and nothing deviates."
    assert not weekly(short, scope=Scope("Daily report")).silent
    assert not weekly(good(11), scope=Scope(quiet=True)).silent
    assert not weekly(bad(), scope=Scope(quiet=True)).silent


def test_a_category_shows_its_own_tasks_only() -> None:
    told = weekly(bad(), scope=Scope("Data", category="data"))
    assert {one.task for one in told.done} == {"safe.backup", "db.vacuum"}


def test_a_failure_that_was_mended_since_is_still_a_failed_run() -> None:
    mended = replace(
        good(11), id="later", began=bad().began + timedelta(hours=3), ended=bad().began + timedelta(hours=3, minutes=12)
    )
    fine = tuple(replace(one, findings=(), status=Status.OK) for one in bad().checks)
    told = weekly(replace(bad(), tasks=()), replace(mended, checks=fine))
    assert told.failing == ()
    assert any("[20261004T000000-weekly-e4f1]" in one.text for one in told.deviations)


def test_what_is_in_order_is_told_as_it_was_last_seen_and_bounded_for_people() -> None:
    lines = [Finding(Level.OK, f"disk {number}", because("used", f"{number} %")) for number in range(9)]
    earlier, later = (replace(good(11).checks[0], findings=tuple(found)) for found in (lines[:1], lines[1:]))
    first = replace(good(11), id="first", began=good(11).began - timedelta(hours=2), checks=(earlier,))
    told = weekly(first, replace(good(11), checks=(later,)))
    assert [line.finding for line in told.seen if line.task == later.id] == lines[1:]
    page = render(told, "markdown")
    assert [f"disk {number}" in page for number in (0, 1, 6, 7)] == [False, True, True, False]
    assert "2 more lines" in page


def test_the_same_reason_on_other_days_is_one_line() -> None:
    told = digest(weeks(), NOW - timedelta(days=90), NOW, NOW)
    small = next(one for one in told.left if "table_bloat_threshold" in one.why)
    assert (small.times, len(small.objects)) == (55, 5)


def write(journal: Journal, run: RunRecord) -> None:
    """Journal a run as the engine does."""
    bare = [replace(task, steps=(), plan=None, status=Status.PENDING, began=None, ended=None) for task in run.tasks]
    head = {"routine": run.routine, "launched_by": run.launched_by, "attended": False, "all_or_nothing": False, "watch": 0}
    journal.append(events.RUN_STARTED, {**head, "tasks": encode(bare)}, run=run.id)
    journal.append(events.RUN_BASELINE, {"facts": run.baseline, "checks": []}, run=run.id)
    for task in run.tasks:
        for one in task.steps:
            started = {"step": encode(one.step), "before": one.before, "undo_of": one.undo_of, "under": []}
            journal.append(events.STEP_STARTED, started, run=run.id, task=task.id)
            ended = {
                "step": one.step.id,
                "status": one.status,
                "because": one.because,
                "after": one.after,
                "proves": [],
                "output": "",
            }
            journal.append(events.STEP_ENDED, ended, run=run.id, task=task.id)
    journal.append(events.RUN_FINAL, {"facts": run.final, "checks": encode(run.checks)}, run=run.id)
    verdict = run.verdict or Verdict.FAIL
    journal.append(events.RUN_ENDED, {"status": run.status, "verdict": verdict, "because": run.because}, run=run.id)


@pytest.mark.covers("RPT-02", "LOG-19")
def test_a_report_needs_the_journal_and_nothing_else(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    write(journal, bad())
    written = journal.path.stat().st_mtime_ns
    stored = runs.fold(journal.events(run=bad().id))
    told = digest([stored], stored.began - timedelta(days=1), stored.began + timedelta(days=1), NOW)
    assert json.loads(render(told, "json"))["runs"][0]["verdict"] == "fail"
    assert "4,211 of 18,400 keys" in render(build(stored, [], NOW))
    assert journal.path.stat().st_mtime_ns == written
    journal.close()
