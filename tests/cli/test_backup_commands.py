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
    assert "backups whose id begins with 2020: 0" in shop.run("backup", "verify", "2020", code=1)


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


def test_a_restore_of_nothing_is_an_error_and_a_name_is_taken_as_it_was_typed(shop: Shop) -> None:
    (shop.folder / "uploads").mkdir()
    for name in ("plan", "plan #3: b"):
        (shop.folder / "uploads" / name).write_text(name)
    configuration = shop.folder / "mainstay.yaml"
    added = f"targets:\n  uploads: {{kind: files, path: {shop.folder}/uploads}}\n"
    configuration.write_text(configuration.read_text().replace("targets:\n", added).replace("of: [db]", "of: [uploads]"))
    assert "there is no repository here" in shop.run("restore", "uploads", code=3)
    shop.run("backup", "now")
    assert "no backup was ever proven" in shop.run("restore", "uploads", code=3)
    shop.run("backup", "prove")
    assert "holds no backups of 'upload'" in shop.run("restore", "upload", code=2)
    assert "0 backups with an id that begins with 19" in shop.run("restore", "uploads", "--backup", "19", code=2)
    assert "places that a copy has replaced: 0" in shop.run("restore", "uploads", "--reverse", "--yes", code=1)
    shop.run("restore", "uploads", "--only", "plan #3: b")
    shop.run("restore", "uploads")
    copies = {path.name.rpartition("Z")[2]: path for path in shop.folder.glob("uploads.*")}
    assert copies.keys() == {"", "_part"}, "a part never takes the name of a whole copy"
    assert copies["_part"].read_text() == "plan #3: b"


def test_a_repository_that_is_not_mounted_is_no_empty_one(shop: Shop) -> None:
    shop.run("backup", "now")
    (shop.folder / "backups").rename(shop.folder / "unmounted")
    (shop.folder / "backups").mkdir()
    for words in ("backup list", "backup show", "restore db", "restore db --list", "restore db --swap"):
        assert "next: mount its disk" in shop.run(*words.split(), code=4)
    assert "is its disk mounted?" in shop.run("backup", "now", code=1)
    assert list((shop.folder / "backups").iterdir()) == []
