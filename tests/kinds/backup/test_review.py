"""What a check looks at beyond the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.kinds import registry
from mainstay.kinds.backup.review import covered, fewer, growth
from mainstay.kinds.backup.settings import BackupSettings, RepositorySettings
from mainstay.kinds.kind import Session
from mainstay.model.because import Level
from mainstay.model.figure import Figure, Series
from mainstay.model.target import Target
from mainstay.model.units import Duration, Share
from mainstay.vault.store import Store

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
Open = Callable[..., Session]
Perform = Callable[..., list[str]]
HOUR = timedelta(hours=1)


def _daily(*left_out: int, days: int = 40) -> list[datetime]:
    return [NOW - timedelta(days=day, hours=1) for day in range(days) if day not in left_out]


@pytest.mark.covers("KPI-04")
def test_a_proven_backup_each_day_is_full_success_and_a_missed_one_counts_as_failed() -> None:
    max_age = Duration(26 * 3600)
    assert covered(_daily(), NOW, max_age) == Share(1)
    assert covered(_daily(5), NOW, max_age) == Share(round(1 - 22 / 24 / 30, 4))
    assert 0.4 < (covered(_daily(*range(15)), NOW, max_age) or 0) < 0.6
    assert covered([], NOW, max_age) is None


@given(st.lists(st.integers(0, 60 * 24), min_size=1, max_size=40), st.integers(0, 60 * 24))
def test_one_more_backup_never_makes_it_worse(hours: list[int], more: int) -> None:
    oldest = NOW - 61 * 24 * HOUR
    made = [oldest, *(NOW - hour * HOUR for hour in hours)]
    assert (
        0 <= (covered(made, NOW, Duration(86_400)) or 0) <= (covered([*made, NOW - more * HOUR], NOW, Duration(86_400)) or 0) <= 1
    )


def test_what_holds_less_than_usual_is_told_and_what_is_gone_holds_nothing() -> None:
    before = [{"orders": 10, "people": 5, "old": 3}, {"orders": 12, "people": 5, "old": 3}, {"orders": 14, "people": 5, "old": 3}]
    told = fewer("db", {"orders": 11, "people": 5, "new": 9}, before)
    assert [(one.part, one.usual, one.now) for one in told] == [("old", 3, 0), ("orders", 12, 11)]


def test_a_prune_does_not_turn_the_growth() -> None:
    sizes = [*range(0, 100, 10), *range(40, 140, 10)]  # bytes, a prune after ten days
    points = [(NOW + timedelta(days=day), float(size)) for day, size in enumerate(sizes)]
    assert 0 < (growth(points) or 0) <= 10
    assert growth(points[:1]) is None


def _site(session: Session, tmp_path: Path, **others: Any) -> Session:
    second = BackupSettings(RepositorySettings(tmp_path / "second"), **{"of": (), **others})
    stores: dict[str, Store] = {**session.stores, "mail": session.stores["db"]}
    targets = {"safe": session.target, "second": Target("second", "backup", second)}
    return replace(session, targets=targets, stores=stores)


def _told(session: Session) -> set[tuple[str, str]]:
    task = registry.load("backup").task("check")
    return {
        (one.on, str(one.because)) for one in task.assess(task.observe(session), task.params()) if one.level is not Level.CRITICAL
    }


@pytest.mark.covers("BKP-22")
def test_a_target_that_no_repository_names_is_protected_by_nothing(tmp_path: Path, session: Open) -> None:
    safe = _site(session(of=("db",)), tmp_path, of=("uploads",))
    assert _told(safe) == {("mail", "protected by nothing: no repository names it")}
    told = _told(_site(session(of=("db",)), tmp_path, of=("uploads",), leave_out={"mail": "kept by the provider"}))
    assert told == {("mail", "it needs no backup (leave_out): kept by the provider")}
    second = replace(safe, target=safe.targets["second"])
    assert _told(second) == set()  # the first repository speaks for the site


def test_two_repositories_of_one_target_on_one_disk_are_told_by_both(tmp_path: Path, session: Open) -> None:
    safe = _site(session(of=("db",), leave_out={"mail": "no", "uploads": "no"}), tmp_path, of=("db",))
    reason = "its repositories are on one disk, and are lost together"
    assert ("db", f"{reason}: safe and second") in _told(safe)
    assert _told(replace(safe, target=safe.targets["second"])) == {("db", f"{reason}: second and safe")}


@pytest.mark.covers("KPI-08")
def test_recovery_objectives_are_measured_and_kept_as_figures(session: Open, perform: Perform) -> None:
    perform(session(of=("db",)), "backup")
    perform(session(of=("db",)), "prove")
    task = registry.load("backup").task("check")
    seen: dict[str, Figure] = {one.name: one for one in task.figures(task.observe(session(of=("db",))))}
    assert {"stored", "rpo db", "rto db", "dump db", "success db"} == seen.keys()
    assert (seen["rpo db"].at_most, seen["success db"].value, seen["success db"].at_least) == (26 * 3600, 1, 1)
    assert 0 < seen["rto db"].value < 60


def test_success_is_asked_of_the_history(session: Open, perform: Perform) -> None:
    perform(session(of=("db",)), "backup")
    perform(session(of=("db",)), "prove")
    now = datetime.now(UTC)
    week = [(now - timedelta(days=day), 600.0) for day in range(9, 2, -1)]  # looks until three days ago
    opened = session(of=("db",))
    opened.history = lambda _since, names: {name: Series(name, points=week) for name in names}
    task = registry.load("backup").task("check")
    assert 0.7 < task.observe(opened).review.covered["db"] < 0.9
