"""What a run's report says: the deviations, what was done and not done, the comparisons."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from mainstay.model.because import Level
from mainstay.model.run import Status, Verdict
from mainstay.report.render import render
from mainstay.report.run import build
from tests.report.sample import NOW, bad, bracket, good, weeks

BAD = build(bad(), weeks(), NOW)
GOOD = build(good(11), weeks(), NOW)


def test_a_good_sunday_has_no_deviation() -> None:
    assert GOOD.deviations == ()
    assert GOOD.verdict is Verdict.PASS


def test_the_worst_deviation_comes_first() -> None:
    levels = [one.level for one in BAD.deviations]
    assert levels == sorted(levels, reverse=True)
    assert (BAD.deviations[0].level, BAD.deviations[-1].level) == (Level.CRITICAL, Level.WARNING)


def test_a_budget_is_warned_of_before_it_is_gone() -> None:
    told = {one.on: one for one in BAD.deviations if "budget" in one.text}
    assert told["cache.purge"].level is Level.WARNING
    assert told["cache.purge"].text == "took 3m24s, 85 % of its budget of 4m"
    assert told["safe.backup"].level is Level.CRITICAL


@pytest.mark.covers("POST-06", "MET-05")
def test_a_change_unlike_all_earlier_ones_stands_out() -> None:
    flagged = {(one.of, one.fact): one.why for one in BAD.comparisons if one.outlier}
    assert flagged == {("db.check", "connections"): "usually −2", ("api.check", "p95_seconds"): "usually −16ms"}


@pytest.mark.covers("POST-06", "MET-05")
def test_before_and_after_are_compared_with_their_units() -> None:
    shrunk = next(one for one in BAD.comparisons if one.fact == "heap app.public.orders")
    assert (shrunk.before, shrunk.after, shrunk.change, shrunk.unit) == (784_000_000, 527_000_000, -257_000_000, "B")
    assert "−257 MB (−32.8 %)" in render(BAD, "markdown")


def test_without_history_a_great_change_is_marked_and_no_deviation() -> None:
    first = build(good(0), [], NOW)
    assert "dead_share" in {one.fact.rpartition(".")[2] for one in first.comparisons if one.outlier}
    assert first.deviations == ()


def test_a_change_that_did_not_come_stands_out() -> None:
    run = good(11)
    same = {**run.final, "logs.check": run.baseline["logs.check"]}
    told = build(replace(run, final=same), weeks(), NOW).deviations
    assert [one.text for one in told] == ["logs_bytes 2.63 GB → 2.63 GB (usually −2.18 GB)"]


def test_what_was_not_done_has_its_reason_and_its_line() -> None:
    told = {one.on or one.task: one.why for one in BAD.left}
    assert told["table public users"] == "dead_share 3 % <= table_bloat_threshold 20 % (mainstay.yaml:14)"
    assert told["db.reindex"].startswith("p90 8m20s")


def test_a_planned_step_that_never_began_is_told() -> None:
    run = bad()
    vacuum = run.task("db.vacuum")
    halted = replace(vacuum, steps=(), status=Status.CANCELLED, because="cancelled by ada")
    told = build(replace(run, tasks=(halted,)), [], NOW).left
    assert ("vacuum table public orders", "cancelled by ada") in [(one.on, one.why) for one in told]


def test_the_fact_that_decided_is_told_again_afterwards() -> None:
    vacuum = next(act for act in BAD.done if act.task == "db.vacuum")
    assert vacuum.now == "now 1 %"


def test_a_bracket_that_is_still_in_force_is_the_first_thing_said() -> None:
    run = bad()
    opening = bracket(run.began)
    stuck = replace(opening, steps=(replace(opening.steps[0], status=Status.CHANGED),), ended=None)
    told = build(replace(run, tasks=(stuck,)), [], NOW)
    assert told.brackets[0].closed is None
    assert ("web.maintenance", "site public was not opened again") in [(one.on, one.text) for one in told.deviations]


def test_lifting_a_bracket_is_no_rollback() -> None:
    assert [act.task for act in BAD.undone] == ["cache.purge"]


def test_a_run_under_way_has_no_verdict() -> None:
    run = replace(good(3), ended=None, verdict=None, status=Status.RUNNING)
    text = render(build(run, [], run.began.astimezone(NOW.tzinfo) + timedelta(minutes=3)))
    assert text.startswith("weekly  RUNNING\nThe run has not ended.\n")


def test_a_degraded_run_always_names_a_deviation() -> None:
    run = replace(good(3), verdict=Verdict.DEGRADED, because="db.reindex: deferred")
    assert [one.text for one in build(run, [], NOW).deviations] == ["db.reindex: deferred"]


def test_times_are_those_of_the_readers_zone() -> None:
    assert "02:00–02:22 CEST" in render(BAD)


def test_the_course_of_a_task_reaches_back_over_the_earlier_runs() -> None:
    backup = next(one for one in BAD.durations if one.of == "safe.backup")
    assert len(backup.points) == 12
    assert backup.points[-1].run == BAD.id
