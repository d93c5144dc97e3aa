"""Everything is rebuilt from the repository alone: for practice, and after the host, a volume or the repository is lost."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.because import Level
from mainstay.model.run import RunRecord, Status, Verdict
from mainstay.vault import system_drill
from mainstay.vault.repository import open_repository
from tests.engine.shop import Shop

COMPOSE = "services:\n  web: {image: shop}\n"


def _host(folder: Path, repository: Path, **limits: str) -> Shop:
    """Configure a host whose database and configuration lie below `folder`; nothing is made."""
    folder.mkdir(exist_ok=True)
    shop = Shop(folder)
    shop.targets["db"] = {"kind": "sqlite", "path": str(folder / "app.db")}
    shop.targets["config"] = {"kind": "files", "path": str(folder / "etc")}
    of = {"repository": {"path": str(repository)}, "of": ["db", "config"], "limits": limits}
    shop.targets["safe"] = {"kind": "backup", **of}
    return shop


@pytest.fixture
def host(tmp_path: Path) -> Shop:
    """Return a living host with one proven backup of everything."""
    shop = _host(tmp_path / "host", tmp_path / "repo", max_rto="10m", max_drill_age="365d")
    (shop.folder / "etc").mkdir()
    (shop.folder / "etc" / "compose.yaml").write_text(COMPOSE)
    with sqlite3.connect(shop.folder / "app.db") as database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
        database.executemany("INSERT INTO orders VALUES (?)", [(number,) for number in range(500)])
    database.close()
    _run(shop.open(), "safe.backup")
    return shop


def _run(app: App, task: str, **params: str) -> RunRecord:
    return app.run(app.routine(task, params or None), Launch(by="ann"))


def _orders(path: Path) -> int:
    with sqlite3.connect(path) as database:
        count = database.execute("SELECT count(*) FROM orders").fetchone()[0]
    database.close()
    return int(count)


@pytest.mark.covers("DRD-01", "DRD-03")
def test_a_drill_rebuilds_everything_and_its_record_has_the_times_and_what_deviated(host: Shop, tmp_path: Path) -> None:
    (host.folder / "etc" / "compose.yaml").write_text("services:\n  web: {}\n  web: {}\n")
    app = host.open()
    _run(app, "safe.backup")
    record = _run(app, "safe.drill")
    assert (record.verdict, record.tasks[0].steps[0].step.proves) == (Verdict.PASS, ("db", "config"))
    done = system_drill.last(open_repository(tmp_path / "repo"))
    assert done is not None
    assert [(one.target, one.differences) for one in done.rebuilt] == [("db", ()), ("config", ())]
    assert done.took >= sum(one.took for one in done.rebuilt)
    assert done.rebuilt[1].faults[0].startswith("compose.yaml:3: ")
    assert "db: rebuilt in" in record.tasks[0].steps[0].output
    told = {str(one.because) for task in app.check(["safe"]) for one in task.findings if one.level is Level.WARNING}
    assert f"the last drill found in what it restored: {done.rebuilt[1].faults[0]}" in told
    assert list((tmp_path / "repo").glob(".part-*")) == []


def test_a_drill_of_what_cannot_be_rebuilt_fails_and_says_what(host: Shop, tmp_path: Path) -> None:
    largest = max((tmp_path / "repo" / "objects").rglob("*.zst"), key=lambda path: path.stat().st_size)
    with largest.open("r+b") as file:
        file.seek(100)
        file.write(b"\0\0\0\0")
    app = host.open()
    record = _run(app, "safe.drill")
    assert (record.status, record.verdict) == (Status.FAILED, Verdict.FAIL)
    assert "not everything can be rebuilt" in record.tasks[0].because
    assert "objects/" in record.tasks[0].because
    critical = [str(one.because) for task in app.check(["safe"]) for one in task.findings if one.level is Level.CRITICAL]
    assert any("the last drill failed: db" in text for text in critical)


@pytest.mark.covers("DRD-02")
def test_after_the_host_is_lost_the_repository_and_a_fresh_configuration_are_enough(host: Shop, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "repo", tmp_path / "elsewhere", symlinks=True)
    shutil.rmtree(host.folder)
    shutil.rmtree(tmp_path / "repo")
    fresh = _host(tmp_path / "other", tmp_path / "elsewhere").open()
    assert _run(fresh, "safe.drill").tasks[0].status is Status.CHANGED
    _run(fresh, "safe.restore", target="db", into=str(tmp_path / "other" / "app.db"))
    _run(fresh, "safe.restore", target="config", into=str(tmp_path / "other" / "etc"))
    assert _orders(tmp_path / "other" / "app.db") == 500
    assert (tmp_path / "other" / "etc" / "compose.yaml").read_text() == COMPOSE
    assert _run(fresh, "safe.backup").verdict is Verdict.PASS


def test_after_a_volume_is_lost_it_comes_back_at_its_place(host: Shop) -> None:
    app = host.open()
    _run(app, "safe.prove")
    (host.folder / "app.db").unlink()
    _run(app, "safe.restore", target="db", into=str(host.folder / "app.db"))
    assert _orders(host.folder / "app.db") == 500


def test_after_the_repository_is_lost_nothing_is_made_at_its_place_and_a_new_one_elsewhere_works(
    host: Shop, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "repo")
    app = host.open()
    assert "is its disk mounted?" in str(app.check(["safe"])[0].findings[0])
    assert _run(app, "safe.backup").tasks[0].steps == ()
    assert not (tmp_path / "repo").exists()
    host.targets["safe"]["repository"]["path"] = str(tmp_path / "new")
    app = host.open()
    assert _run(app, "safe.backup").verdict is Verdict.PASS
    assert _run(app, "safe.drill").verdict is Verdict.PASS
