"""A target that cannot be dumped, or whose backup is damaged, keeps no other target from its backup and its proof."""

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
