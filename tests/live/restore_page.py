"""Run the page on restoring without Mainstay, as it is written, on a copy at a remote."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from mainstay.system.process import Door
from mainstay.vault.backup import Order, make
from mainstay.vault.copies import keys as pairs
from mainstay.vault.copies import remotes
from mainstay.vault.copies.copies import Copies
from mainstay.vault.copies.copy import copy
from mainstay.vault.copies.keys import Keys
from mainstay.vault.copies.remotes import DiskSettings
from mainstay.vault.manifest import Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.repository import create_repository
from mainstay.vault.store import Store, unhurried

PAGE = Path(__file__).parents[2] / "docs" / "restore-without-mainstay.md"
FIRST, SECOND = BackupId("20261120T020000Z.x.run-1"), BackupId("20261121T020000Z.x.run-2")


def script() -> str:
    return "\n".join(re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))


def back_up(folder: Path, store: Store, id: BackupId, previous: BackupId | None = None) -> Manifest:
    """Make a backup and its copy in `folder`/copy."""
    if not (folder / "keys").exists():
        pairs.generate(folder / "keys", folder / "escrow.txt", "demo", Door())
    (folder / "copy").mkdir(exist_ok=True)
    (folder / "copy" / ".mainstay-remote").touch()
    repository = create_repository(folder / "repo")
    manifest = make(repository, store, Order(id, "x", id, previous=previous), unhurried())
    with remotes.opened(DiskSettings(folder / "copy")) as remote:
        copy(Copies(repository, "copy", remote, Keys(folder / "keys")), id, None, unhurried())
    return manifest


def restored(folder: Path, id: BackupId, **more: str) -> Path:
    """Run the page, and return the folder that it ran in."""
    done = run(folder, id, script(), **more)
    assert done.returncode == 0, done.stderr
    subprocess.run(["gpgconf", "--homedir", str(folder / "work" / "gnupg"), "--kill", "all"], check=True)
    return folder / "work"


def run(folder: Path, id: BackupId, commands: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run commands of the page in `folder`/work."""
    (folder / "work").mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "COPY": str(folder / "copy"),
        "ESCROW": str(folder / "escrow.txt"),
        "ID": id,
        **more,
    }
    return subprocess.run(
        ["sh", "-euc", commands], cwd=folder / "work", env=environment, capture_output=True, text=True, check=False
    )
