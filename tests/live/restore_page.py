"""Run the page on restoring without Mainstay, as it is written, on a copy at a remote."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from mainstay.system.process import Door
from mainstay.vault import keys as pairs
from mainstay.vault import remotes
from mainstay.vault.backup import Order, make
from mainstay.vault.copies import Copies
from mainstay.vault.copy import copy
from mainstay.vault.keys import Keys
from mainstay.vault.manifest import Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.remotes import DiskSettings
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
    (folder / "work").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "COPY": str(folder / "copy"),
        "ESCROW": str(folder / "escrow.txt"),
        "ID": id,
        **more,
    }
    done = subprocess.run(
        ["sh", "-euc", script()], cwd=folder / "work", env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    subprocess.run(["gpgconf", "--homedir", str(folder / "work" / "gnupg"), "--kill", "all"], check=True)
    return folder / "work"
