"""The backup of a month is one of the whole stack, at a time of its own, and its secrets leave the host only encrypted."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.serve.served import Site

SECRET = "PASSWORD=swordfish-9d2c71\n" * 40
MONTHLY = [
    {"safe.backup": {"budget": "5m"}},
    {"safe.prove": {"budget": "5m", "needs": ["safe.backup"]}},
    {"safe.copy": {"budget": "5m", "needs": ["safe.prove"]}},
]


@pytest.fixture
def stack(tmp_path: Path) -> Site:
    """A database, a volume, and a configuration with a certificate and secrets, all in one repository with a second disk."""
    conf, site = tmp_path / "conf", Site(tmp_path)
    for folder in (conf / "certs", tmp_path / "volume", tmp_path / "second"):
        folder.mkdir(parents=True)
    (tmp_path / "second" / ".mainstay-remote").touch()
    (conf / "compose.yaml").write_text("services: {app: {image: app, volumes: ['data:/data']}}\nvolumes: {data: {}}\n")
    for path in (conf / ".env", conf / "certs" / "privkey.pem"):
        path.write_text(SECRET)
        path.chmod(0o600)
    (tmp_path / "volume" / "letter").write_text("dear reader")
    with closing(sqlite3.connect(tmp_path / "app.db")) as app:
        app.execute("CREATE TABLE orders AS SELECT 'first' AS what")
        app.commit()
    site.settings["timezone"] = "Europe/Berlin"
    targets = site.settings["targets"]
    targets["db"] = {"kind": "sqlite", "path": str(tmp_path / "app.db")}
    targets |= {name: {"kind": "files", "path": str(tmp_path / name)} for name in ("volume", "conf")}
    copies = {"keys": str(tmp_path / "keys"), "copies": {"second": {"disk": {"folder": str(tmp_path / "second")}}}}
    repository = {"path": str(tmp_path / "repo")}
    targets["safe"] = {"kind": "backup", "repository": repository, "of": ["db", "volume", "conf"], **copies}
    site.settings["routines"] = {"weekly": {"tasks": MONTHLY[:1]}, "monthly": {"tasks": MONTHLY, "replaces": ["weekly"]}}
    usual = {"length": "2h", "max_impact": "load"}
    site.settings["windows"] = {"weekly": {"rule": "sunday 02:00"}, "monthly": {"rule": "first sunday 02:00"}}
    for window in site.settings["windows"].values():
        window.update(usual)
    site.write()
    return site


@pytest.mark.covers("BKP-10")
def test_the_first_sunday_has_one_backup_and_it_is_of_the_whole_stack(stack: Site, tmp_path: Path) -> None:
    slots: list[dict[str, Any]] = json.loads(stack.call("windows", "--days", "100", "--json"))["slots"]
    months = [slot for slot in slots if slot["routine"] == "monthly"]
    assert len(months) >= 3
    for slot in months:
        at = datetime.fromisoformat(slot["start"]).astimezone(ZoneInfo("Europe/Berlin"))
        assert (at.strftime("%A %H:%M"), at.day <= 7) == ("Sunday 02:00", True)
        [beside] = [one for one in slots if one["start"] == slot["start"] and one["routine"] == "weekly"]
        assert "monthly replaces weekly" in beside["replaced"], "the runbook dumps the same database twice in that minute"
    stack.call("backup", "keys", "generate", "--escrow", str(tmp_path / "escrow.txt"))
    stack.call("run", "monthly", "--yes")
    made = json.loads(stack.call("backup", "list", "--json"))["backups"]
    assert {one["target"] for one in made if one["proven"]} == {"db", "volume", "conf"}
    assert len({one["id"].split(".")[2] for one in made}) == 1, "one run made all of it"
    sealed = [path for path in (tmp_path / "second").rglob("*") if path.is_file()]
    assert not [path for path in sealed if b"swordfish" in path.read_bytes() or path.suffix == ".zst"]

    (tmp_path / "repo").rename(tmp_path / "lost")
    for target in ("db", "volume", "conf"):
        stack.call("backup", "fetch", target, "--from", "second", "--key", str(tmp_path / "escrow.txt"))
    stack.call("backup", "prove")
    stack.call("restore", "conf", "--into", str(back := tmp_path / "back"))
    assert (back / "compose.yaml").read_text() == (tmp_path / "conf" / "compose.yaml").read_text()
    for name in (".env", "certs/privkey.pem"):
        assert (back / name).read_text() == SECRET
        assert (back / name).stat().st_mode & 0o777 == 0o600
