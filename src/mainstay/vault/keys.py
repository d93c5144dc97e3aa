"""The keys of a site's backups: one pair to encrypt copies, whose private half is kept elsewhere, and one pair to sign.

encryption.pub.asc   what copies are encrypted for; its private half is in the escrow text and nowhere on this host
signing.pub.asc      what signatures are checked with
signing.key.asc      the private half, without a passphrase: backups are signed with nobody there
drill.json           when somebody last opened a copy with the escrowed key
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mainstay.model.codec import canonical, decode
from mainstay.model.errors import ConfigError, Refused
from mainstay.system import clock
from mainstay.system.files import sync_folder, write_atomic
from mainstay.system.process import Door
from mainstay.vault import sealing
from mainstay.vault.sealing import Gpg

_DRILL = "drill.json"


@dataclass(frozen=True)
class Keys:
    """A key folder."""

    folder: Path

    @property
    def encryption(self) -> Path:
        """Return the file of the public key that copies are encrypted for."""
        return self.folder / "encryption.pub.asc"

    @property
    def signing(self) -> Path:
        """Return the file of the public key, or of several, that signatures are checked with."""
        return self.folder / "signing.pub.asc"

    @property
    def signer(self) -> Path:
        """Return the file of the private signing key."""
        return self.folder / "signing.key.asc"

    @property
    def complete(self) -> bool:
        """Tell whether all keys are there."""
        return all(path.is_file() for path in (self.encryption, self.signing, self.signer))

    @property
    def exposed(self) -> bool:
        """Tell whether others than their owner can read the keys."""
        paths = [path for path in (self.folder, self.signer) if path.exists()]
        return any(stat.S_IMODE(path.stat().st_mode) & 0o077 for path in paths)

    def require(self) -> None:
        """Raise ConfigError unless all keys are there."""
        if not self.complete:
            raise ConfigError(f"there are no keys in {self.folder}", next="make them: mainstay backup keys generate")


@dataclass(frozen=True)
class Drill:
    """Somebody opened the copy of a backup with the escrowed private key of this fingerprint."""

    at: datetime
    remote: str
    backup: str
    fingerprint: str


def generate(folder: Path, escrow: Path, site: str, door: Door) -> None:
    """Make both pairs. The folder appears complete, after the escrow text; neither is ever written over."""
    for path in (folder, escrow):
        if os.path.lexists(path):
            raise Refused("keys are never written over", on=str(path), because="it exists", next="name a new place")
    if not escrow.parent.is_dir():
        raise Refused("the escrow text has no place", on=str(escrow), because="no such folder", next="name another place")
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half_made = folder.with_name(f".{folder.name}.part")
    if half_made.exists():
        shutil.rmtree(half_made)
    half_made.mkdir(mode=0o700)
    with sealing.opened(door) as gpg:
        write_atomic(escrow, _made(gpg, Keys(half_made), site))
    os.rename(half_made, folder)
    sync_folder(folder.parent)


def sign(path: Path, keys: Keys, door: Door) -> None:
    """Write the detached signature PATH.asc, which `gpg --verify` checks; one that is there is replaced."""
    with sealing.opened(door, keys.signer) as gpg:
        gpg.sign(path, gpg.home / "signature")
        write_atomic(signature(path), (gpg.home / "signature").read_bytes())


def verify(path: Path, keys: Keys, door: Door) -> None:
    """Check PATH.asc; Damaged when it is missing, not by our key, or when the file was altered."""
    with sealing.opened(door, keys.signing) as gpg:
        gpg.verify(path, signature(path), str(path))


def signature(path: Path) -> Path:
    """Return where the signature of a file lies."""
    return path.with_name(f"{path.name}.asc")


def write_drill(keys: Keys, drill: Drill) -> None:
    """Write down that a drill succeeded."""
    write_atomic(keys.folder / _DRILL, canonical(drill))


def read_drill(keys: Keys) -> Drill | None:
    """Return the last drill, None when there was none or when its record cannot be read."""
    try:
        return decode(Drill, json.loads((keys.folder / _DRILL).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _made(gpg: Gpg, keys: Keys, site: str) -> bytes:
    """Make the keys of a folder, and return the escrow text."""
    encryption = gpg.make(f"Mainstay {site}: copies of backups", "ed25519", "cert")
    gpg.add(encryption, "cv25519", "encr")
    signer = gpg.make(f"Mainstay {site}: signatures of backups", "ed25519", "sign")
    write_atomic(keys.encryption, gpg.export(encryption, private=False))
    write_atomic(keys.signing, gpg.export(signer, private=False))
    write_atomic(keys.signer, gpg.export(signer, private=True))
    head = _ESCROW.format(site=site, date=f"{clock.now():%Y-%m-%d}", encryption=encryption, signer=signer)
    return head.encode() + gpg.export(encryption, private=True) + b"\n" + keys.signing.read_bytes()


_ESCROW = """\
PRIVATE KEY OF THE BACKUPS OF {site}, made on {date}

Whoever has this text can read every copy; without it nobody can. Print it, or write it to a medium that is kept in a
safe place away from the host that is backed up. Then prove it and delete this file from the host:

    mainstay backup keys drill --with THIS_FILE
    shred -u THIS_FILE

Encrypted for  {encryption}
Signed by      {signer}

To restore from a copy: mainstay backup fetch --key THIS_FILE, or without Mainstay, with gpg alone:

    gpg --import THIS_FILE
    gpg --verify SHA256SUMS.asc SHA256SUMS && sha256sum -c SHA256SUMS
    gpg --output manifest.json --decrypt manifest.json.gpg

First the private encryption key, then the public key that checks signatures:

"""
