"""A repository in the hands of a person: every command of `mainstay backup`, on a real one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.shop import Shop


@pytest.mark.covers("BKP-26")
def test_backup_verify_prove_list_hold_approve_show_prune_and_drill(shop: Shop, tmp_path: Path) -> None:
    shop.run("backup", "now")
    assert "nothing to do" in shop.run("backup", "approve", "2", "--as", "administrator", code=3)
    for command in ("verify", "prove", "drill"):
        assert "1 step done" in shop.run("backup", command)
    (backup,) = shop.json("backup", "list")["backups"]
    assert (backup["level"], len(backup["proofs"])) == ("restored", 3)
    id = backup["id"]
    shop.run("backup", "approve", id, "--as", "administrator", "--name", "ann")
    assert "approved already" in shop.run("backup", "approve", id, "--as", "manager", "--name", "ann", code=3)
    shop.run("backup", "hold", id, "--reason", "tax audit", "--for", "30d", "--name", "ann")
    assert "held by ann" in shop.run("backup", "list")
    assert "NOTHING TO DO" in shop.run("backup", "prune", "--dry-run")
    shop.run("backup", "release", id, "--reason", "it is over")
    assert "held backups that are meant: 0" in shop.run("backup", "release", id, "--reason", "again", code=3)
    page = tmp_path / "manifest.json"
    shop.run("backup", "show", id[:16], "--format", "json", "--output", str(page))
    assert json.loads(page.read_text())["entry"]["approvals"][0]["by"] == "ann"
    assert "there is no format" in shop.run("backup", "show", "--format", "xml", code=2)
    shop.run("backup", "verify", "2020")


@pytest.mark.covers("BKP-03")
def test_success_and_failure_of_backups_are_records_with_times_bytes_digest_and_error(shop: Shop) -> None:
    shop.run("backup", "now")
    shop.run("backup", "prove")
    known = json.loads(shop.run("backup", "show", "--format", "json"))["entry"]
    assert known["took"] > 0
    assert known["raw"] > known["stored"] > 0
    assert len(known["sha256"]) == 64
    assert known["proven"]
    database = shop.folder / "shop.db"
    content = bytearray(database.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    for name in ("shop.db-wal", "shop.db-shm"):
        (shop.folder / name).unlink(missing_ok=True)
    database.write_bytes(content)
    shop.run("backup", "now", code=1)
    failed = shop.last()
    assert (failed["verdict"], failed["tasks"][0]["status"]) == ("fail", "failed")
    assert failed["ended"] > failed["began"]
    assert "malformed" in failed["tasks"][0]["because"]
