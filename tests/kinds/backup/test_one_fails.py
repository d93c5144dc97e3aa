"""What cannot be backed up or proven fails the run, and keeps no other target from its backup and its proof."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from mainstay.engine.run import Launch
from mainstay.model.run import Status, Verdict
from mainstay.vault.catalogue import read
from mainstay.vault.names import Sha256
from mainstay.vault.repository import open_repository
from tests.engine.shop import Shop


def damaged_database(path: Path) -> None:
    """Make a database whose header is whole and whose pages are not."""
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE t (a TEXT)")
        database.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 400)
    database.close()
    content = bytearray(path.read_bytes())
    content[8192:65536] = b"\xff" * (65536 - 8192)
    path.write_bytes(content)


def test_the_others_are_backed_up_and_the_failure_is_told(shop: Shop, tmp_path: Path) -> None:
    damaged_database(tmp_path / "shop.db")
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "photo").write_text("a photo")
    shop.targets["db"] = {"kind": "sqlite", "path": str(tmp_path / "shop.db")}
    shop.targets["uploads"] = {"kind": "files", "path": str(tmp_path / "uploads")}
    shop.targets["safe"] = {"kind": "backup", "repository": {"path": str(tmp_path / "safe")}, "of": ["db", "uploads"]}
    shop.routines["daily"] = {"tasks": ["safe.backup"]}
    record = shop.open().run("daily", Launch(by="ann"))
    task = record.task("safe.backup")
    assert [step.status for step in task.steps] == [Status.FAILED, Status.CHANGED]
    assert (task.status, record.verdict, record.settled) == (Status.FAILED, Verdict.FAIL, True)
    assert "malformed" in task.because
    assert [path.name.split(".")[1] for path in (tmp_path / "safe" / "backups").iterdir()] == ["uploads"]


def test_the_others_are_proven_when_one_is_damaged(shop: Shop, tmp_path: Path) -> None:
    of = ["first", "second", "third"]
    for name in of:
        (tmp_path / name).mkdir()
        (tmp_path / name / "photo").write_text(f"a photo of the {name}")
        shop.targets[name] = {"kind": "files", "path": str(tmp_path / name)}
    shop.targets["safe"] = {"kind": "backup", "repository": {"path": str(tmp_path / "safe")}, "of": of}
    shop.routines |= {"daily": {"tasks": ["safe.backup"]}, "proof": {"tasks": ["safe.prove"]}}
    app = shop.open()
    app.run("daily", Launch(by="ann"))
    [damaged] = [path for path in (tmp_path / "safe" / "backups").iterdir() if ".second." in path.name]
    [stream] = json.loads((damaged / "manifest.json").read_bytes())["streams"]
    (tmp_path / "safe" / Sha256(stream["object"]["sha256"]).path).write_bytes(b"not what was stored")
    record = app.run("proof", Launch(by="ann"))
    task = record.task("safe.prove")
    assert [step.status for step in task.steps] == [Status.CHANGED, Status.FAILED, Status.CHANGED]
    assert (task.status, record.verdict, record.settled) == (Status.FAILED, Verdict.FAIL, True)
    entries = read(open_repository(tmp_path / "safe")).entries
    assert {entry.target: bool(entry.proven) for entry in entries} == {"first": True, "second": False, "third": True}


def test_a_target_that_cannot_be_asked_fails_the_run_and_the_others_are_backed_up(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "photo").write_text("a photo")
    shop.targets["gone"] = {"kind": "files", "path": str(tmp_path / "gone")}
    shop.targets["uploads"] = {"kind": "files", "path": str(tmp_path / "uploads")}
    shop.targets["safe"] = {"kind": "backup", "repository": {"path": str(tmp_path / "safe")}, "of": ["gone", "uploads"]}
    shop.routines["daily"] = {"tasks": ["safe.backup"]}
    record = shop.open().run("daily", Launch(by="ann"))
    assert [step.status for step in record.task("safe.backup").steps] == [Status.CHANGED]
    assert (record.task("safe.backup").status, record.verdict, record.settled) == (Status.FAILED, Verdict.FAIL, True)
    assert "backup gone: cannot be backed up: this is not a folder" in record.because


def test_a_repository_whose_disk_is_not_mounted_fails_the_run(shop: Shop, tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    shop.targets["uploads"] = {"kind": "files", "path": str(tmp_path / "uploads")}
    shop.targets["safe"] = {"kind": "backup", "repository": {"path": str(tmp_path / "safe")}, "of": ["uploads"]}
    shop.routines["daily"] = {"tasks": ["safe.backup"]}
    app = shop.open()
    app.run("daily", Launch(by="ann"))
    (tmp_path / "safe").rename(tmp_path / "unmounted")
    (tmp_path / "safe").mkdir()
    for task in ("backup", "prove", "verify", "prune", "drill"):
        record = app.run(app.routine(f"safe.{task}"), Launch(by="ann"))
        assert (record.status, record.verdict) == (Status.FAILED, Verdict.FAIL), task
        assert "is its disk mounted?" in record.because
    assert list((tmp_path / "safe").iterdir()) == []
