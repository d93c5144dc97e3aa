"""The change log: who, what, when, with which parameters, with what result."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from mainstay.report.changes import change_log
from mainstay.report.render import render
from tests.report.sample import NOW, bad, weeks

LOG = change_log([*weeks(), bad()], NOW - timedelta(days=7), NOW, NOW)


@pytest.mark.covers("RPT-06")
def test_every_act_is_there_with_who_what_when_and_result() -> None:
    rows = list(csv.DictReader(io.StringIO(render(LOG, "csv"))))
    purge = next(row for row in rows if row["what"] == "purge cache schedule:*")
    assert (purge["at"], purge["who"], purge["result"]) == ("2026-10-04T00:17:13+00:00", "mainstay", "failed")
    assert "max_stale_keys 5,000 (mainstay.yaml:25)" in purge["why"]
    assert [row["who"] for row in rows if row["what"] in ("signed", "consented")] == ["ada", "grace"]


@pytest.mark.covers("RPT-06")
def test_parameters_are_those_that_were_pinned() -> None:
    run = bad()
    purge = run.task("cache.purge")
    pinned = replace(purge.steps[1], step=replace(purge.steps[1].step, args={"pattern": "schedule:*"}))
    log = change_log([replace(run, tasks=(replace(purge, steps=(pinned,)),))], run.began, NOW, NOW)
    assert json.loads(render(log, "json"))["changes"][0]["parameters"] == {"pattern": "schedule:*"}
    assert '{"pattern": "schedule:*"}' in render(log, "text")


def test_the_log_is_in_the_order_of_time() -> None:
    assert [one.at for one in LOG.changes] == sorted(one.at for one in LOG.changes)


def test_a_spreadsheet_takes_no_text_for_a_formula() -> None:
    run = replace(bad(), launched_by="=cmd|' /C calc'!A0")
    log = change_log([run], run.began, NOW, NOW)
    assert ",'=cmd|" in render(log, "csv")


def test_a_span_without_changes_says_so() -> None:
    assert "Nothing was changed." in render(change_log([], NOW, NOW, NOW), "markdown")
