"""The task lists that two documents give for each cadence, as calendars: exactly these, with a copy and its proof before them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mainstay import config
from mainstay.kinds import registry
from mainstay.model.task import Routine, Site
from mainstay.model.units import Duration
from tests.engine.test_three_years import CALENDARS, calendar_of, starts

FREEAGENTICS = {
    "daily": ["Database transaction log cleanup", "Log file rotation", "Health check monitoring", "Backup verification"],
    "weekly": ["Database statistics update", "Cache optimization", "Security scan", "Performance metrics review"],
    "monthly": ["Database full maintenance", "SSL certificate check", "Dependency security audit", "Storage cleanup"],
    "quarterly": ["Major dependency updates", "Infrastructure review", "Security audit", "Performance baseline update"],
}
NER11 = {
    "weekly": [
        "Database VACUUM and ANALYZE",
        "Docker cleanup (unused images/containers)",
        "Log rotation and archival",
        "Backup verification",
        "Security patch check",
        "Performance metrics review",
    ],
    "monthly": [
        "Full database VACUUM FULL",
        "Database index rebuild (REINDEX)",
        "Docker image updates",
        "System package updates",
        "SSL certificate renewal check",
        "Comprehensive backup test restore",
        "Capacity planning review",
    ],
    "quarterly": [
        "Major version upgrades (PostgreSQL, Python, Node.js)",
        "Security audit and vulnerability scan",
        "Performance baseline re-establishment",
        "Database schema optimization review",
        "Disaster recovery drill",
        "Documentation review and updates",
    ],
}
BUILT_IN = {
    "Health check monitoring": "host.check",
    "Backup verification": "safe.prove",
    "Comprehensive backup test restore": "safe.prove",
}
FIRST = ["safe.backup", "safe.prove"]
BESIDE = {"certificates"}  # a section of its own in the document


def site(name: str) -> Site:
    return config.load(CALENDARS / f"{name}.yaml", registry)


def task(text: str) -> str:
    return BUILT_IN.get(text, re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") + ".run")


def of_cadence(name: str, cadence: str) -> list[Routine]:
    return [one for one in site(name).routines.values() if one.cadence == cadence and one.name not in BESIDE]


@pytest.mark.parametrize(
    ("name", "cadence", "listed"),
    [
        *(pytest.param("freeagentics", *one, marks=pytest.mark.covers("SCH-19")) for one in FREEAGENTICS.items()),
        *(pytest.param("ner11", *one, marks=pytest.mark.covers("SCH-20")) for one in NER11.items()),
    ],
)
def test_a_cadence_has_exactly_the_tasks_of_its_list_with_a_copy_and_its_proof_first(
    name: str, cadence: str, listed: list[str]
) -> None:
    wanted = [task(text) for text in listed]
    routines = of_cadence(name, cadence)
    done = [one.id for routine in routines for one in routine.tasks]
    assert sorted(set(done) - set(FIRST)) == sorted(set(wanted) - set(FIRST)), "nothing is left out, nothing is added"
    assert len(done) == len(set(done))
    [main] = [routine for routine in routines if "safe.backup" in [one.id for one in routine.tasks]]
    ids = [one.id for one in main.tasks]
    assert ids[:2] == FIRST
    assert ids[2:] == [one for one in wanted if one in ids[2:]], "in the order of the list"


@pytest.mark.covers("SCH-20")
@pytest.mark.parametrize(("cadence", "estimate", "rollback"), [("weekly", 60, 15), ("monthly", 120, 30), ("quarterly", 240, 60)])
def test_estimates_and_rollback_times_are_those_of_the_document(cadence: str, estimate: int, rollback: int) -> None:
    routine = site("ner11").routines[cadence]
    budgets = sum(one.budget for one in routine.tasks if one.budget)
    assert budgets <= Duration(estimate * 60)
    assert routine.rollback == Duration(rollback * 60)


@pytest.mark.covers("SCH-19", "SCH-20")
@pytest.mark.parametrize(("name", "cadences"), [("freeagentics", ["daily", "weekly", "monthly"]), ("ner11", list(NER11))])
def test_each_cadence_is_due_as_often_as_a_year_has_it(name: str, cadences: list[str], tmp_path: Path) -> None:
    """What a longer routine replaces on its day is done as its part; what is announced has no rule."""
    made = calendar_of(name, tmp_path)
    found = [one.routine for one in starts(made) if one.slot.start.astimezone(made.zone).year == 2027]
    times = {cadence: found.count(cadence) for cadence in cadences}
    quarters, months = times.get("quarterly", 0), times["monthly"]
    assert months + quarters == 12
    assert times["weekly"] + months + quarters == 52
    assert quarters in (0, 4)
