"""Copy one backup to a remote: encrypted here, signed here, seen there only when it is complete."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from mainstay.model.units import Size
from mainstay.system.files import remove, sync_folder, write_atomic
from mainstay.vault import manifest as manifests
from mainstay.vault.copies import sealing
from mainstay.vault.copies.copies import SENT, Copies
from mainstay.vault.copies.keys import signature
from mainstay.vault.copies.remotes.remote import Exists, file_hash, listed, patiently
from mainstay.vault.copies.sealing import Gpg
from mainstay.vault.copies.signed_list import BACKUPS, OBJECTS, SIGNATURE, SignedList, object_name
from mainstay.vault.manifest import MANIFEST, SUMS, Damaged, Manifest
from mainstay.vault.names import BackupId, Sha256
from mainstay.vault.repository import require_room
from mainstay.vault.store import Work


@dataclass(frozen=True)
class _Copying:
    """A copy at work. `folder` outlives a crash; `spool` does not."""

    copies: Copies
    manifest: Manifest
    folder: Path
    spool: Path
    gpg: Gpg
    work: Work

    @property
    def source(self) -> Path:
        """Return the folder of the backup in the repository."""
        return self.copies.repository.folder(self.manifest.id)

    def sealed(self, key: str) -> None:
        """Send every object that is not there yet, and write down what the copy consists of."""
        done = self._reusable(key)
        for digest in _bases_first(self.manifest):
            if digest not in done:
                done[digest] = self._send_object(digest)
        files = {**dict(done[digest] for digest in self.manifest.objects), **self._own_files()}
        one = self.manifest
        said = SignedList(one.id, one.target, one.kind, one.created, key, one.raw_bytes, one.stored_bytes, files)
        write_atomic(self.folder / SUMS, said.text())

    def publish(self) -> None:
        """Sign the list, and send what lies beside it, the signature last."""
        if not (self.folder / SIGNATURE).exists():
            self.gpg.sign(self.folder / SUMS, self.spool / SIGNATURE)
            write_atomic(self.folder / SIGNATURE, (self.spool / SIGNATURE).read_bytes())
        for name in sorted(path.name for path in self.folder.glob(f"{MANIFEST}*")):
            self._send(f"{BACKUPS}{self.manifest.id}/{name}", self.folder / name)
        for name in (SUMS, SIGNATURE):
            self._send(f"{BACKUPS}{self.manifest.id}/{name}", self.folder / name)

    def _reusable(self, key: str) -> dict[str, tuple[str, str]]:
        """Return name and SHA-256 of the encrypted objects that are at the remote, by the digest of the object.

        They are in the signed list of another copy that is encrypted for the same key; or an earlier attempt at this copy sent
        them, and they are compared now.
        """
        copies, found = self.copies, dict[str, tuple[str, str]]()
        lists = copies.lists(self.work)
        bad = {name for id in lists for name in copies.record(id).bad}
        there = {one.name for one in listed(copies.remote, OBJECTS, self.work)} - bad
        for one in lists.values():
            if one.key == key:
                found |= {digest: (name, one.files[name]) for digest, name in one.objects.items() if name in there}
        for name, digest in copies.sent(self.manifest.id).items():
            if name in there and patiently(partial(copies.remote.sha256, name, self.work), self.work) == digest:
                found[Path(name).name[:64]] = (name, digest)
            elif name not in there:
                patiently(partial(copies.remote.tidy, name), self.work)
        return found

    def _send_object(self, one: Sha256) -> tuple[str, str]:
        """Encrypt an object and send it under a name that was written down before; return the name and the SHA-256."""
        sealed = self.spool / one
        digest = self._encrypted(self.copies.repository.root / one.path, sealed)
        name = object_name(one, digest)
        with (self.folder / SENT).open("a") as sent:
            sent.write(f"{digest}  {name}\n")
            sent.flush()
            os.fsync(sent.fileno())
        self._send(name, sealed)
        sealed.unlink()
        return name, digest

    def _own_files(self) -> dict[str, str]:
        """Prepare the manifest, encrypted, and its signature where it has one, and return their SHA-256 by name."""
        id, plain = self.manifest.id, self.source / MANIFEST
        self._encrypted(plain, self.spool / MANIFEST)
        os.replace(self.spool / MANIFEST, self.folder / f"{MANIFEST}.gpg")
        if signature(plain).exists():
            write_atomic(self.folder / signature(plain).name, signature(plain).read_bytes())
        sync_folder(self.folder)
        return {f"{BACKUPS}{id}/{path.name}": file_hash(path, self.work) for path in self.folder.glob(f"{MANIFEST}*")}

    def _encrypted(self, source: Path, out: Path) -> str:
        """Encrypt a file, and return the SHA-256 of what came of it."""
        self.work.pulse()
        out.unlink(missing_ok=True)
        require_room(self.spool, Size(source.stat().st_size), f"an encrypted {source.name}")
        self.gpg.encrypt(source, out, self.copies.keys.encryption, self.work.deadline.left)
        return file_hash(out, self.work)

    def _send(self, name: str, source: Path) -> None:
        """Send a file, and compare what arrived. Where the name is taken, only the same content will do."""
        remote, work, digest = self.copies.remote, self.work, file_hash(source, self.work)
        try:
            patiently(lambda: remote.put(name, source, digest, work), work)
        except Exists:
            work.pulse()  # an earlier attempt has sent it
        if patiently(lambda: remote.sha256(name, work), work) != digest:
            next = "look for the cause at the remote, then run prune_copies and copy again"
            raise Damaged("what is at the remote is not what was sent", on=name, because="its SHA-256 is another", next=next)


def copy(copies: Copies, id: BackupId, proven: datetime | None, work: Work) -> None:
    """Copy a backup to a remote; a killed attempt is gone on with. `proven` is when the backup itself was proven."""
    copies.keys.require()
    manifest, _ = manifests.read(copies.repository.folder(id), id)
    folder = copies.folder(id)
    with copies.at_work() as spool, sealing.opened(copies.door, copies.keys.signer) as gpg:
        if not copies.states(work).get(id):
            _begin(copies, id)
            copying = _Copying(copies, manifest, folder, spool, gpg, work)
            if not (folder / SUMS).exists():
                copying.sealed(sealing.fingerprints(copies.keys.encryption, copies.door)[0])
            copying.publish()
        copies.finished(id, proven)


def _begin(copies: Copies, id: BackupId) -> None:
    """Go on with what a killed attempt has begun; what is known of a copy that is gone counts no more."""
    folder = copies.folder(id)
    if not (folder / SENT).exists():
        remove(folder)
    copies.make_folder(id)
    (folder / SENT).touch(mode=0o600)


def _bases_first(manifest: Manifest) -> list[Sha256]:
    bases = [stream.base.sha256 for stream in manifest.streams if stream.base]
    return list(dict.fromkeys([*bases, *manifest.objects]))
