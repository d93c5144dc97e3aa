"""A month's backup with its manifest, and the two persons who approve it."""

from __future__ import annotations

import json
import sqlite3
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mainstay.app import App
from mainstay.cli import backup_report
from mainstay.engine.run import Launch
from mainstay.report.backup_page import fiscal_year
from mainstay.vault import manifest as manifests
from mainstay.vault.names import BackupId
from mainstay.vault.repository import open_repository
from tests.engine.shop import Shop


@pytest.fixture
def site(shop: Shop, tmp_path: Path) -> App:
    """Return a site whose database has one proven backup."""
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("CREATE TABLE persons (id INTEGER PRIMARY KEY)")
        database.executemany("INSERT INTO persons VALUES (?)", [(number,) for number in range(42)])
    database.close()
    shop.targets["db"] = {"kind": "sqlite", "path": str(tmp_path / "shop.db")}
    own = {"repository": {"path": str(tmp_path / "safe")}, "of": ["db"], "approvals": 2, "fiscal_year_starts": "07-01"}
    shop.targets["safe"] = {"kind": "backup", **own}
    shop.routines["monthly"] = {"tasks": ["safe.backup", "safe.prove"]}
    app = shop.open()
    app.run("monthly", Launch(by="timer"))
    return app


def _approve(app: App, by: str, role: str) -> tuple[str, ...]:
    """Approve the only backup, and return whoever has approved it by then."""
    facts, _ = app.why("safe.check")
    params = {"backup": facts.catalogue.entries[0].id, "by": by, "role": role}
    app.run(app.routine("safe.approve", params), Launch(by=by))
    facts, _ = app.why("safe.check")
    return tuple(f"{one.by} as {one.role}" for one in facts.catalogue.entries[0].approvals)


@pytest.mark.covers("CHK-05")
def test_a_backup_is_approved_by_two_persons_in_two_roles_and_the_journal_has_it(site: App) -> None:
    assert _approve(site, "ann", "administrator") == ("ann as administrator",)
    assert _approve(site, "ann", "manager") == ("ann as administrator",)
    assert _approve(site, "bob", "administrator") == ("ann as administrator",)
    assert _approve(site, "bob", "manager") == ("ann as administrator", "bob as manager")
    steps = [step for run in site.runs(9) for task in run.tasks for step in task.steps if step.step.action == "approve"]
    facts, _ = site.why("safe.check")
    signed = {(step.step.args["by"], step.step.args["manifest_sha256"]) for step in steps}
    assert signed == {("ann", facts.catalogue.entries[0].sha256), ("bob", facts.catalogue.entries[0].sha256)}


def test_an_approval_does_not_hold_for_a_manifest_that_was_changed(site: App, tmp_path: Path) -> None:
    _approve(site, "ann", "administrator")
    repository = open_repository(tmp_path / "safe")
    id = BackupId(next(repository.backups.iterdir()).name)
    manifest, _ = manifests.read(repository.folder(id), id)
    manifest.counts["persons"] = 43
    manifests.seal(repository.folder(id), manifest)
    facts, _ = site.why("safe.check")
    assert facts.catalogue.entries[0].approvals == ()


@pytest.mark.covers("BKP-11")
def test_the_report_of_a_backup_is_the_filled_in_manifest(site: App) -> None:
    _approve(site, "ann", "administrator")
    text, _ = backup_report.written(site, "", "latest", "markdown")
    now = datetime.now(ZoneInfo("Europe/Berlin"))
    for expected in (
        f"month {now:%Y-%m}", f"fiscal year {fiscal_year(now.date(), '07-01')}", "| persons | 42 |", "restored | ",
        "no difference",
        "ratio: **", "took: **", "| sqlite | 3.", "Now: the newest proven backup", "It will go on 20", "ann as administrator",
        "1 of 2 missing", "It lies at: ",
    ):  # fmt: skip
        assert expected in text
    found: dict[str, Any] = json.loads(backup_report.written(site, "safe", "latest", "json")[0])
    assert (found["schema"], found["entry"]["sha256"] in text) == ("mainstay.backup/1", True)


def test_a_fiscal_year_has_the_name_of_the_years_that_it_lies_in() -> None:
    assert [fiscal_year(date(2026, 6, 30), "07-01"), fiscal_year(date(2026, 7, 1), "07-01")] == ["2025/26", "2026/27"]
    assert fiscal_year(date(2026, 7, 1), "01-01") == "2026"
