"""Keys on the command line: made once, shown without a secret, tried with what was taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shop import Shop

SITE = """\
site: demo
timezone: UTC
state: {folder}/state
targets:
  uploads: {{kind: files, path: {folder}/uploads}}
  safe:
    kind: backup
    repository: {{path: {folder}/repo}}
    of: [uploads]
    keys: {folder}/keys
    copies:
      second: {{disk: {{folder: {folder}/disk}}}}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a site whose repository has a remote on another disk."""
    for name in ("uploads", "disk"):
        (tmp_path / name).mkdir()
    (tmp_path / "uploads" / "a.txt").write_text("a")
    (tmp_path / "disk" / ".mainstay-remote").touch()
    (tmp_path / "mainstay.yaml").write_text(SITE.format(folder=tmp_path))
    return Shop(tmp_path)


def test_keys_are_made_shown_and_tried(shop: Shop) -> None:
    escrow = shop.folder / "escrow.txt"
    assert "no keys" in shop.run("backup", "keys", "show", code=2)
    assert str(escrow) in shop.run("backup", "keys", "generate", "--escrow", str(escrow))
    shown = shop.run("backup", "keys", "show")
    assert "encrypted for" in shown
    assert "PRIVATE" not in shown
    assert "never written over" in shop.run("backup", "keys", "generate", "--escrow", str(escrow), code=3)
    for command in ("now", "prove", "copy", "verify-copies"):
        shop.run("backup", command)
    assert "copies opened with the escrowed key: 0" in shop.run("check", code=1)
    shop.run("backup", "keys", "drill", "--with", str(escrow))
    shop.run("check")


def test_a_backup_comes_back_from_a_remote_by_one_command(shop: Shop) -> None:
    escrow = shop.folder / "escrow.txt"
    shop.run("backup", "keys", "generate", "--escrow", str(escrow))
    for command in ("now", "prove", "copy"):
        shop.run("backup", command)
    for name in ("repo", "keys", "state"):
        (shop.folder / name).rename(shop.folder / f"lost-{name}")
    shop.run("backup", "fetch", "uploads", "--from", "second", "--key", str(escrow))
    shop.run("backup", "prove")
    shop.run("restore", "uploads", "--into", str(shop.folder / "again"))
    assert (shop.folder / "again" / "a.txt").read_text() == "a"
