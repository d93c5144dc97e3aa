"""OpenPGP by the stock `gpg` program: encrypt for a public key, decrypt, sign, verify. What is written here gpg 2.2 opens.

Encryption is AES-256 with an integrity packet (SEIPD version 1, MDC) and no compression: the objects are compressed already. AEAD
packets are never asked for; gpg 2.2 cannot open them. gpg runs in a home of its own that holds the given keys alone and lies in
memory, so that a private key is written to no disk, and its agent ends with the home.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration, Size
from mainstay.system.files import read_bounded
from mainstay.system.process import Completed, Door, legible
from mainstay.vault.manifest import Damaged

_MEMORY = Path("/dev/shm")
_HOME = f"mainstay-gpg-{os.getuid()}-"
_SHORT = Duration(60)  # a key or a small file
_LARGEST = Size(1 << 20)  # bytes of a file of keys
_QUIET = ("--batch", "--no-options", "--quiet", "--no-tty", "--pinentry-mode", "loopback", "--passphrase-fd", "0")
_SEALED = ("--trust-model", "always", "--cipher-algo", "AES256", "--compress-algo", "none")
_PREFERENCES = ("--default-preference-list", "AES256 SHA512 SHA256 Uncompressed")  # no AEAD, whatever the version of gpg


@dataclass(frozen=True)
class Gpg:
    """gpg with a home of its own."""

    home: Path
    door: Door

    def encrypt(self, source: Path, out: Path, key: Path, deadline: Duration) -> None:
        """Encrypt a file for the public key in the file `key`; no private key is needed, and none is there."""
        argv = [*_SEALED, "--recipient-file", str(key), "--output", str(out), "--encrypt", str(source)]
        _required(self.run(argv, deadline), "cannot encrypt", source)

    def decrypt(self, source: Path, out: Path, deadline: Duration) -> None:
        """Decrypt a file with whichever key of this home opens it; Damaged when none does, or when it was altered."""
        done = self.run(["--output", str(out), "--decrypt", str(source)], deadline)
        if done.code:
            because, next = _told(done), "use the private key that was escrowed when this was encrypted"
            raise Damaged("this file cannot be decrypted", on=source.name, because=because, next=next)

    def sign(self, path: Path, out: Path) -> None:
        """Write a detached signature by the private key of this home, in armor."""
        _required(
            self.run(["--digest-algo", "SHA512", "--armor", "--output", str(out), "--detach-sign", str(path)]),
            "cannot sign",
            path,
        )

    def verify(self, path: Path, signature: Path, on: str) -> None:
        """Check a detached signature against the keys of this home; Damaged unless one of them made it. `on` names the file."""
        done = self.run(["--no-autostart", "--status-fd", "1", "--verify", str(signature), str(path)])
        if done.code or b"[GNUPG:] VALIDSIG " not in done.stdout:
            next = "take another copy; if every one is refused, the key in signing.pub.asc is not the one that signed"
            raise Damaged("the signature is not right", on=on, because=_told(done), next=next)

    def take(self, key: Path) -> None:
        """Import every key of a file, public or private; text around them is passed over."""
        text = read_bounded(key, _LARGEST)
        public = b"PUBLIC KEY BLOCK" in text and b"PRIVATE KEY BLOCK" not in text  # that needs no agent
        _required(self.run([*(["--no-autostart"] if public else []), "--import", str(key)]), "cannot read a key", key)

    def make(self, name: str, algorithm: str, usage: str) -> str:
        """Make a private key without a passphrase, and return its fingerprint."""
        argv = [*_PREFERENCES, "--status-fd", "1", "--quick-generate-key", name, algorithm, usage, "never"]
        done = _required(self.run(argv), "cannot make a key", self.home)
        return legible(done.stdout).partition("KEY_CREATED ")[2].split()[1]

    def add(self, fingerprint: str, algorithm: str, usage: str) -> None:
        """Add a subkey."""
        argv = [*_PREFERENCES, "--quick-add-key", fingerprint, algorithm, usage, "never"]
        _required(self.run(argv), "cannot add a subkey", self.home)

    def export(self, fingerprint: str, *, private: bool) -> bytes:
        """Return a key in armor."""
        how = "--export-secret-keys" if private else "--export"
        return _required(self.run(["--armor", how, fingerprint]), "cannot write a key", self.home).stdout

    def run(self, argv: list[str], deadline: Duration = _SHORT) -> Completed:
        """Run gpg, which asks nobody anything."""
        return self.door.run(["gpg", "--homedir", str(self.home), *_QUIET, *argv], deadline, stdin=b"")


@contextmanager
def opened(door: Door, *keys: Path) -> Iterator[Gpg]:
    """Open a home in memory that holds these keys; it goes at the end, with its agent. What a killed process left goes too."""
    for left in _MEMORY.glob(f"{_HOME}*"):
        if not Path("/proc", left.name.removeprefix(_HOME).partition("-")[0]).exists():
            _remove(left)
    home = Path(tempfile.mkdtemp(prefix=f"{_HOME}{os.getpid()}-", dir=_MEMORY))
    gpg = Gpg(home, door)
    try:
        for key in keys:
            gpg.take(key)
        yield gpg
    finally:
        _remove(home)


def fingerprints(path: Path, door: Door) -> tuple[str, ...]:
    """Return the fingerprints of the primary keys in a file."""
    with opened(door) as gpg:
        done = _required(gpg.run(["--with-colons", "--show-keys", str(path)]), "cannot read a key", path)
    lines = [line.split(":") for line in legible(done.stdout).splitlines()]
    heads = [number for number, line in enumerate(lines) if line[0] in ("pub", "sec")]
    return tuple(next(line[9] for line in lines[head:] if line[0] == "fpr") for head in heads)


def _remove(home: Path) -> None:
    """End the agent of a home, which there is once it has had a private key, and remove the home."""
    agent = (home / "private-keys-v1.d").is_dir()
    for argv in (["--kill", "all"], ["--remove-socketdir"]) if agent else ():
        Door().run(["gpgconf", "--homedir", str(home), *argv], _SHORT)
    while home.is_dir():
        try:
            shutil.rmtree(home)
        except FileNotFoundError:
            continue  # the agent took its sockets away meanwhile


def _required(done: Completed, what: str, on: Path) -> Completed:
    if done.code:
        raise StepFailed(what, on=str(on), because=_told(done))
    return done


def _told(done: Completed) -> str:
    return (
        " | ".join(line.removeprefix("gpg: ") for line in legible(done.stderr).strip().splitlines()[-3:]) or f"exit {done.code}"
    )
