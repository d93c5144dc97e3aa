"""Figures about maintenance itself, from real runs: the time it takes, and what became of emergencies."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shop import Shop

MORE = """\
goals: {{daily: {{active: {active}, downtime: {downtime}}}}}
targets:
  closed: {{kind: command, argv: [/bin/sleep, "1"], impact: downtime, neutral: true}}
  quiet: {{kind: command, argv: [/bin/sleep, "1"], impact: none, neutral: true}}
  asked: {{kind: manual, text: "Is everybody out?"}}
routines:
  evening: {{tasks: [asked.sign, quiet.run, closed.run], cadence: daily}}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.built(tmp_path)


def configure(shop: Shop, active: str, downtime: str) -> None:
    """Add a routine that waits for a person, works, and closes the shop meanwhile."""
    text = (shop.folder / "mainstay.yaml").read_text().partition("include:")[0]
    (shop.folder / "more.yaml").write_text(MORE.format(active=active, downtime=downtime))
    (shop.folder / "mainstay.yaml").write_text(f"{text}include: [more.yaml]\n")


def report(shop: Shop, span: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shop.run("report", span, "--format", "json"))
    return found


@pytest.mark.covers("KPI-05")
def test_time_at_work_and_downtime_are_told_apart_and_held_against_their_goals(shop: Shop) -> None:
    shop.run("run", "daily", "--yes")
    (usual,) = report(shop, "--weekly")["times"]
    assert (usual["cadence"], usual["goal"]["active"], usual["downtime"], usual["over"]) == ("daily", 3600, 0, 0)
    configure(shop, "1h", "1h")
    shop.run("run", "evening", "--yes")
    time.sleep(3)  # so long nobody answers
    shop.run("sign", "last", "asked.sign", "--remark", "yes", code=0)
    run, first = shop.json("runs")["runs"]
    (told,) = report(shop, "--daily")["times"]
    assert (told["cadence"], told["runs"], told["over"]) == ("daily", 2, 0)
    assert 1 <= told["downtime"] < told["active"] <= run["took"] - 3 + first["took"]
    assert not _missed(report(shop, "--daily"))
    configure(shop, "1h", "500ms")
    assert _missed(report(shop, "--weekly")) == ["downtime in one day, the goal is below 500ms; missed in 1 day"]


def _missed(found: dict[str, Any]) -> list[str]:
    told = [one["text"] for one in found["deviations"] if one["on"] == "daily maintenance"]
    return [text.partition(" ")[2] for text in told]


@pytest.mark.covers("RPT-07")
def test_the_monthly_report_documents_emergencies_and_what_is_left_of_them(shop: Shop) -> None:
    shop.run("emergency", "open", "--severity", "S2", "--reason", "nobody can pay")
    assert "EM-2" in shop.run("report", "--monthly")
    found = report(shop, "--monthly")
    (still,) = found["incidents"]["of"]
    assert (found["incidents"]["open"], found["incidents"]["closed"], still["closed"]) == (1, 0, None)
    assert [one["level"] for one in found["deviations"] if one["on"] == still["id"]] == ["critical"]
    left = ("--follow-up", "buy a second till", "--follow-up", "tell the bank")
    shop.run("emergency", "close", "last", "--resolution", "a cable", *left)
    shop.run("emergency", "done", still["id"], "1")
    found = report(shop, "--monthly")
    (closed,) = found["incidents"]["of"]
    assert (closed["resolution"], closed["follow_ups"]) == ("a cable", 3)  # the third is to update the runbooks
    assert closed["left"][0] == {"number": 2, "text": "tell the bank"}
    assert found["incidents"]["to_close"] == closed["lasted"] > 0
    assert ["tell the bank" in one["text"] for one in found["deviations"] if one["on"] == closed["id"]] == [True]
    for one in closed["left"]:
        shop.run("emergency", "done", closed["id"], str(one["number"]), "--remark", "nothing to write down")
    assert not [one for one in report(shop, "--monthly")["deviations"] if one["on"] == closed["id"]]
    assert closed["id"] in shop.run("emergency", "report", closed["id"], "--format", "markdown")  # its documentation, whole
