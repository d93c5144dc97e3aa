"""How long maintenance was at work, and how long users were without service."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from mainstay.model.goals import Goal
from mainstay.model.run import Remark, RunRecord
from mainstay.model.units import Duration
from mainstay.report.period import Digest, Scope, digest
from mainstay.report.render import render
from mainstay.report.times import Spent, active, downtime, spent
from tests.report.sample import NOW, bad, good, weeks

CADENCES = {"weekly": "weekly"}


def week(run: RunRecord, goal: Goal) -> Digest:
    scope = Scope("Weekly report", cadences=CADENCES, goals={"weekly": goal})
    return digest([*weeks(), run], NOW - timedelta(days=7), NOW, NOW, scope)


def one(goal: Goal, *runs: RunRecord) -> Spent:
    (found,) = spent(runs, CADENCES, {"weekly": goal}, NOW)
    return found


def test_downtime_is_while_a_bracket_is_in_force_and_work_is_without_that() -> None:
    run = good(11)
    assert downtime(run, NOW) == Duration(13 * 60 + 0.6)  # until it was opened again
    assert 0 < active(run, NOW) < (run.took or 0)


def test_a_bracket_that_was_never_lifted_counts_until_the_run_ended() -> None:
    run = good(11)
    bracket = replace(run.tasks[0], steps=run.tasks[0].steps[:1])
    never = replace(run, tasks=(bracket, *run.tasks[1:]))
    assert run.ended is not None
    assert bracket.steps[0].began is not None
    assert downtime(never, NOW) == (run.ended - bracket.steps[0].began).total_seconds()


def test_time_for_which_a_person_was_waited_for_is_no_work() -> None:
    run = good(11)
    task = replace(run.tasks[1], ended=run.began + timedelta(hours=9))
    signed = Remark(run.began + timedelta(hours=8), "ann", "signed", task.id)
    slow = replace(run, tasks=(task,), checks=(), checks_before=(), ended=task.ended)
    assert active(slow, NOW) > Duration(8 * 3600)
    assert active(replace(slow, remarks=(signed,)), NOW) == Duration(3600)


def test_tasks_side_by_side_count_once() -> None:
    run = good(11)
    twice = replace(run, tasks=(*run.tasks, *(replace(task, id=f"{task.id}2") for task in run.tasks)))
    assert active(twice, NOW) == active(run, NOW)


def test_runs_of_one_week_count_together_and_what_takes_as_long_as_the_goal_misses_it() -> None:
    run, other = good(11), replace(good(11), id="other")
    took = active(run, NOW)
    assert one(Goal(Duration(took + 1)), run).over == 0
    assert one(Goal(Duration(took)), run).over == 1
    assert one(Goal(Duration(took + 1)), run, other).over == 1
    apart = replace(good(10), id="earlier")
    assert (one(Goal(Duration(took + 1)), run, apart).periods, one(Goal(Duration(2 * took)), run, apart).over) == (2, 0)


def test_a_goal_that_was_missed_is_a_deviation_and_both_figures_are_in_the_report() -> None:
    told = week(bad(), Goal(Duration(7200), Duration(600)))
    assert [one.text for one in told.deviations if one.on == "weekly maintenance"] == [
        "21m1s downtime in one week, the goal is below 10m; missed in 1 week"
    ]
    assert "Maintenance time" in render(told)
    fine = week(good(11), Goal(Duration(7200), Duration(3600)))
    assert not [one for one in fine.deviations if one.on == "weekly maintenance"]
