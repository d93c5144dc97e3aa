"""The tasks of a repository, on real databases and folders."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.sqlite.content import measure
from mainstay.model.because import Level
from mainstay.model.codec import decode, encode
from mainstay.model.errors import Refused, StepFailed
from mainstay.model.plan import OneWay, Step
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline
from mainstay.vault import manifest as manifests
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.repository import create_repository, open_repository
from mainstay.vault.retention import Policy
from mainstay.vault.store import unhurried

Open = Callable[..., Session]
Perform = Callable[..., list[str]]


def _levels(session: Session) -> dict[str, Level]:
    task = registry.load("backup").task("check")
    return {one.on: one.level for one in task.assess(task.observe(session), task.params())}


def test_a_backup_counts_only_when_it_is_proven(session: Open, perform: Perform) -> None:
    assert _levels(session()) == {"db": Level.CRITICAL, "uploads": Level.CRITICAL}
    perform(session(), "backup")
    assert _levels(session()) == {"db": Level.CRITICAL, "uploads": Level.CRITICAL}
    perform(session(), "prove")
    assert _levels(session()) == {"db": Level.OK, "uploads": Level.OK}


def test_a_proof_tells_the_engine_which_targets_it_proves(session: Open, perform: Perform) -> None:
    perform(session(), "backup")
    task = registry.load("backup").task("prove")
    steps = [item for item in task.plan(task.observe(session()), task.params(), "run") if isinstance(item, Step)]
    assert [step.proves for step in steps] == [("db",), ("uploads",)]


def test_rows_in_the_write_ahead_log_are_in_the_backup(
    tmp_path: Path, session: Open, perform: Perform, app: sqlite3.Connection
) -> None:
    perform(session(), "backup")
    perform(session(), "prove")
    perform(session(), "restore", target="db", into=str(tmp_path / "restored.db"))
    restored = sqlite3.connect(tmp_path / "restored.db")
    assert measure(restored) == measure(app)
    restored.close()


def test_the_manifest_says_where_the_backup_came_from(tmp_path: Path, session: Open, perform: Perform) -> None:
    perform(session(), "backup")
    repository = open_repository(tmp_path / "repo")
    id = BackupId(next(path.name for path in repository.backups.iterdir() if ".db." in path.name))
    manifest, _ = manifests.read(repository.folder(id), id)
    assert (manifest.site, manifest.ledger_head, manifest.run, manifest.target) == ("demo", "abc", "run-1.safe.backup", "db")
    assert manifest.counts == {"(schema)": 1, "orders": 300}
    assert {"mainstay", "python", "zstd", "sqlite"} <= manifest.tools.keys()


def test_a_target_that_cannot_be_dumped_is_left_out_with_the_reason_and_the_others_are_backed_up(
    tmp_path: Path, session: Open, perform: Perform
) -> None:
    (tmp_path / "uploads").rename(tmp_path / "moved")
    told = perform(session(), "backup")
    assert told[0].startswith("backup db")
    assert told[1].startswith("skip uploads: cannot be backed up: this is not a folder")


@pytest.mark.covers("BKP-18")
def test_verify_reads_the_newest_or_all_and_names_what_is_damaged(tmp_path: Path, session: Open, perform: Perform) -> None:
    perform(session(of=("db",)), "backup")
    clock.sleep(1.1)  # ids count seconds
    perform(session(of=("db",)), "backup")
    assert len(perform(session(of=("db",)), "verify")) == 1
    assert len(perform(session(of=("db",)), "verify", which="all")) == 2
    largest = max((tmp_path / "repo" / "objects").rglob("*.zst"), key=lambda path: path.stat().st_size)
    with largest.open("r+b") as file:
        file.seek(500)
        file.write(b"\0\0\0\0")
    with pytest.raises(StepFailed, match=r"database\.sqlite: objects/"):
        perform(session(of=("db",)), "verify", which="all")


@pytest.mark.covers("BKP-15")
def test_prune_removes_what_no_rule_wants_and_nothing_while_the_newest_is_overdue(
    tmp_path: Path, session: Open, perform: Perform
) -> None:
    young = _history(session, tmp_path, days=6)
    keep = Policy(last=1, daily=2, weekly=0, monthly=0, min_age=Duration(0))
    perform(session(), "prove")
    told = perform(session(of=("db",), keep=keep, max_age=Duration(60)), "prune")
    assert all(line.startswith("skip") and "age of the newest proven backup" in line for line in told)
    told = perform(session(of=("db",), keep=keep, max_age=Duration(86400 * 3)), "prune")
    assert [line.split(":")[0] for line in told] == ["skip db", "skip db", *["drop db"] * 4]
    assert sorted(path.name for path in (tmp_path / "repo" / "backups").iterdir()) == young[-2:]


def test_prune_asks_for_consent_and_never_takes_a_held_backup(tmp_path: Path, session: Open, perform: Perform) -> None:
    ids = _history(session, tmp_path, days=4)
    perform(session(), "prove")
    keep = Policy(last=1, daily=0, weekly=0, monthly=0, min_age=Duration(0))
    opened = session(of=("db",), keep=keep, max_age=Duration(86400 * 3), held=frozenset({f"backup:safe/{ids[0]}"}))
    task = registry.load("backup").task("prune")
    steps = [item for item in task.plan(task.observe(opened), task.params(), "run") if isinstance(item, Step)]
    assert {step.args["id"] for step in steps} == set(ids[1:3])
    assert all(step.needs_consent and isinstance(step.reverse, OneWay) for step in steps)
    forged = Step("drop", "drop", ("backup", "db", ids[0]), steps[0].because, args={"id": ids[0]})
    with pytest.raises(Refused, match="held"):
        task.apply(opened, forged, Deadline(Duration(60)))


@pytest.mark.covers("BKP-32")
def test_clutter_damage_and_half_made_backups_are_found_and_half_made_ones_are_swept(
    tmp_path: Path, session: Open, perform: Perform
) -> None:
    perform(session(), "backup")
    perform(session(), "prove")
    repo = tmp_path / "repo"
    (repo / "backups" / "old.tar.gz").write_text("x")
    (repo / ".part-20261121T020000Z.db.run-0").mkdir()
    damaged = next(path for path in (repo / "backups").iterdir() if ".uploads." in path.name)
    (damaged / "manifest.json").write_text("{}")
    repo.chmod(0o755)
    seen = _levels(session())
    assert seen == {
        "db": Level.OK,
        "uploads": Level.CRITICAL,
        damaged.name: Level.CRITICAL,
        "old.tar.gz": Level.WARNING,
        "20261121T020000Z.db.run-0": Level.WARNING,
        "repository": Level.WARNING,
    }
    perform(session(), "prune")
    assert not list(repo.glob(".part-*"))
    assert (repo / "backups" / "old.tar.gz").exists()


def test_a_repository_whose_disk_is_gone_is_not_made_anew(tmp_path: Path, session: Open, perform: Perform) -> None:
    perform(session(), "backup")
    task = registry.load("backup").task("backup")
    facts = task.observe(session())
    last: object = decode(task.facts, encode(facts))
    (tmp_path / "repo").rename(tmp_path / "unplugged")
    (tmp_path / "repo").mkdir()
    told = perform(session(last=last), "backup")
    assert all("is its disk mounted?" in line for line in told)
    assert list((tmp_path / "repo").iterdir()) == []


def _history(session: Open, tmp_path: Path, days: int) -> list[str]:
    """Make backups of `db` that say they were made on each of the last days, oldest first."""
    repository, made = create_repository(tmp_path / "repo"), []
    for day in range(days):
        at = clock.now() - timedelta(days=days - 1 - day, hours=1)
        order = Order(BackupId.of(at, "db", f"run-{day}"), "db", f"run-{day}")
        manifest = make(repository, session().stores["db"], order, unhurried())
        manifests.seal(repository.folder(manifest.id), replace(manifest, created=at))
        made.append(str(manifest.id))
    return made
