"""The signed list of a copy: `SHA256SUMS` of the encrypted files, which `gpg --verify` and `sha256sum -c` check by themselves.

backups/ID/SHA256SUMS          this list; lines that begin with # say what it is a copy of, and sha256sum passes them over
backups/ID/SHA256SUMS.asc      its signature; written last, so a copy is seen only when it is complete
backups/ID/manifest.json.gpg   the manifest, for those who have the private key
objects/AA/SHA256.TAG.zst.gpg  an object of the repository, encrypted; TAG begins the SHA-256 of the encrypted file, so no name
                               ever stands for two contents, and nothing needs to be written over
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from posixpath import normpath

from mainstay.model.units import Size
from mainstay.vault.manifest import MANIFEST, SUMS, Damaged
from mainstay.vault.names import BackupId

BACKUPS, OBJECTS = "backups/", "objects/"
SIGNATURE = f"{SUMS}.asc"
_OBJECT = re.compile(r"objects/[0-9a-f]{2}/([0-9a-f]{64})\.[0-9a-f]{16}\.zst\.gpg")
_LINE = re.compile(r"([0-9a-f]{64})  ([\w./-]{1,300})")
_FIRST = "# mainstay copy 1"


@dataclass(frozen=True)
class SignedList:
    """What a copy consists of. `key` is the fingerprint it is encrypted for; `files` are SHA-256 by name at the remote."""

    id: BackupId
    target: str
    kind: str
    created: datetime
    key: str
    raw: Size
    stored: Size
    files: dict[str, str]

    @property
    def objects(self) -> dict[str, str]:
        """Return the names of the encrypted objects, by the digest that each has in the repository."""
        found = {name: _OBJECT.fullmatch(name) for name in self.files}
        return {match[1]: name for name, match in found.items() if match}

    def text(self) -> bytes:
        """Return the content of the file."""
        said = (self.target, self.kind, self.created.isoformat(), self.key, int(self.raw), int(self.stored))
        head = [_FIRST, f"# id {self.id}", *(f"# {word} {value}" for word, value in zip(_WORDS, said, strict=True))]
        start = f"{BACKUPS}{self.id}/"
        lines = [
            f"{digest}  {name.removeprefix(start) if name.startswith(start) else f'../../{name}'}"
            for name, digest in sorted(self.files.items())
        ]
        return "".join(f"{line}\n" for line in [*head, *lines]).encode()


_WORDS = ("target", "kind", "created", "key", "raw", "stored")


def object_name(sha256: str, encrypted: str) -> str:
    """Name an encrypted object at a remote, by the digest of the object and that of the encrypted file."""
    return f"{OBJECTS}{sha256[:2]}/{sha256}.{encrypted[:16]}.zst.gpg"


def manifest_name(id: BackupId) -> str:
    """Name the encrypted manifest of a backup at a remote."""
    return f"{BACKUPS}{id}/{MANIFEST}.gpg"


def parse(content: bytes, id: BackupId) -> SignedList:
    """Read a list whose signature was checked; Damaged when it is not the one of this backup."""
    try:
        lines = content.decode().splitlines()
        head = [line.removeprefix("# ") for line in lines if line.startswith("#")]
        said = dict(line.partition(" ")[::2] for line in head[1:])
        if f"# {head[0]}" != _FIRST or said["id"] != id:
            raise ValueError(f"it is the list of {said.get('id', 'something else')}")
        files = dict(_file(line, id) for line in lines if not line.startswith("#"))
        created = datetime.fromisoformat(said["created"])
        sizes = Size(said["raw"]), Size(said["stored"])
        return SignedList(id, said["target"], said["kind"], created, said["key"], *sizes, files)
    except (ValueError, KeyError, IndexError) as error:
        on = f"{BACKUPS}{id}/{SUMS}"
        raise Damaged("this list cannot be read", on=on, because=str(error)[:200], next="take another copy") from error


def _file(line: str, id: BackupId) -> tuple[str, str]:
    match = _LINE.fullmatch(line)
    name = normpath(f"{BACKUPS}{id}/{match[2]}") if match else ""
    if not match or not (_OBJECT.fullmatch(name) or name.startswith(f"{BACKUPS}{id}/")):
        raise ValueError(f"a line names no file of a copy: {line[:80]!r}")
    return name, match[1]
