"""Install, and take back: every act is told, what is there already is left alone, what somebody has changed is asked about."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from mainstay.config.writes import Written
from mainstay.install import units, written
from mainstay.install.written import File
from mainstay.model.errors import Refused
from mainstay.model.units import Duration
from mainstay.system import owners
from mainstay.system.process import Door

_PATIENCE = Duration(90)
_BOOTED = Path("/run/systemd/system")


@dataclass(frozen=True)
class Account:
    """A user of the installed system."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Installer:
    """Installs below `root`, which is / or the root of an image. `say` tells each act; `dry` leaves them all undone."""

    wanted: units.Wanted
    root: Path
    say: Callable[[str], None]
    dry: bool = False

    def files(self) -> list[File]:
        """Return every file as it should be, and as it is."""
        return [written.look(self.root / place, text) for place, text in units.files(self.wanted).items()]

    def install(self, places: Iterable[Written]) -> None:
        """Write the files, make the user and the folders, and start the units where systemd runs."""
        self._withdraw(self._spare())
        files, started = self.files(), units.started(self.wanted)
        for file in files:
            self._act(f"{_VERB[file.state]} {file.path}", file.write, needed=file.state != "same")
        self._act(f"make the user {self.wanted.user}", self._make_user, needed=self._account() is None)
        self._folder(self.wanted.state, self.wanted.user)
        for place in (one for one in places if one.made):
            self._folder(place.path, "root" if place.as_root else self.wanted.user)
        for note in (*self._risks(), *self._notes(places)):
            self.say(f"note: {note}")
        self._systemctl("enable", *started)
        if self._is_booted:
            self._systemctl("daemon-reload")
            same = all(file.state == "same" for file in files)
            self._systemctl("start" if same else "restart", *started)  # what is under way is not stopped for nothing

    def remove(self) -> None:
        """Stop the units and take the files away; the user, the folder of the memory and everything maintained stay."""
        self._withdraw([file for file in (*self.files(), *self._spare()) if file.found is not None])
        self.say(f"kept: the user {self.wanted.user} and {self.wanted.state}, which holds the ledger")

    def _spare(self) -> list[File]:
        """Return the files of an earlier installation that nothing needs any more: those of the root unit."""
        wanted = units.files(self.wanted)
        known = units.files(replace(self.wanted, as_root=self.wanted.as_root or ()))
        files = [written.look(self.root / place, text) for place, text in known.items() if place not in wanted]
        return [file for file in files if file.found is not None]

    def _withdraw(self, files: list[File]) -> None:
        """Stop the units of these files, and take the files away."""
        names = {file.path.name for file in files}
        if started := [name for name in (*units.STARTED, units.ROOT_SOCKET) if name in names]:
            self._systemctl("disable", *(["--now"] if self._is_booted else []), *started)
        for file in files:
            self._act(f"remove {file.path}", file.path.unlink)
        if self._is_booted and files:
            self._systemctl("daemon-reload")

    @property
    def _is_booted(self) -> bool:
        return self.root == Path("/") and _BOOTED.is_dir()

    def _act(self, what: str, act: Callable[[], object], *, needed: bool = True) -> None:
        if not needed:
            self.say(f"unchanged: {what.partition(' ')[2]}")
            return
        self.say(f"would {what}" if self.dry else what)
        if not self.dry:
            act()

    def _systemctl(self, *words: str) -> None:
        if not shutil.which("systemctl"):
            self.say(f"note: there is no systemctl here; do `systemctl {' '.join(words)}` where there is")
            return
        root = [] if self.root == Path("/") else [f"--root={self.root}"]
        argv = ["systemctl", *root, *words]
        self._act(" ".join(argv), lambda: Door().run(argv, _PATIENCE).require("systemctl refuses"))

    def _make_user(self) -> None:
        program = shutil.which("systemd-sysusers")
        if not program:
            raise Refused(
                "the user cannot be made", on=self.wanted.user, because="there is no systemd-sysusers", next="useradd -r"
            )
        root = [] if self.root == Path("/") else [f"--root={self.root}"]
        Door().run([program, *root, "mainstay.conf"], _PATIENCE).require("systemd-sysusers refuses")

    def _folder(self, place: Path, owner: str) -> None:
        path = self._below(place)
        self._act(f"make the folder {path} for {owner}", lambda: self._make(path, owner), needed=not path.is_dir())

    def _make(self, path: Path, owner: str) -> None:
        path.mkdir(mode=0o700, parents=True)
        if owner != "root" and (account := self._account()):
            os.chown(path, account.uid, account.gid)

    def _account(self) -> Account | None:
        """Read the user from the system that is installed into, which may not be the one that runs."""
        users = self.root / "etc" / "passwd"
        for line in users.read_text(encoding="utf-8").splitlines() if users.exists() else ():
            name, _, uid, gid, *_ = line.split(":")
            if name == self.wanted.user:
                return Account(int(uid), int(gid))
        return None

    def _notes(self, places: Iterable[Written]) -> Iterator[str]:
        """Name what the user could not read or write: the sandbox lets it, the modes of the files do not."""
        account, user = self._account(), self.wanted.user
        if account is None:
            return
        config, state = (self._below(place) for place in (self.wanted.config, self.wanted.state))
        if config.exists() and not _may(config, account, 4):
            yield f"{user} cannot read {config}: chgrp {user} {config} && chmod 640 {config}"
        if state.exists() and state.stat().st_uid != account.uid:
            yield f"{state} is not {user}'s: chown -R {user}: {state}"
        for place in (one for one in places if not one.as_root):
            path = self._below(place.path)
            if path.exists() and not _may(path, account, 2):
                yield f"{user} cannot write {path} ({place.target}): setfacl -m u:{user}:rwX {path}"

    def _risks(self) -> Iterator[str]:
        """Name what others could change that the root unit goes by."""
        trusted = (Path(self.wanted.program[0]), self.wanted.config) if self.wanted.as_root is not None else ()
        found = dict(one for file in trusted for one in owners.changeable(self._below(file)))
        return (f"who may change {place} would be root: {why}" for place, why in found.items() if place.is_relative_to(self.root))

    def _below(self, place: Path) -> Path:
        """Return a place of the installed system, by its path from here."""
        return self.root / place.relative_to("/")


_VERB = {"new": "write", "same": "write", "older": "update", "changed": "overwrite"}


def _may(path: Path, account: Account, bit: int) -> bool:
    """Return what the mode says; lists of access rights (acl) may allow more."""
    found = path.stat()
    shift = 6 if found.st_uid == account.uid else 3 if found.st_gid == account.gid else 0
    return account.uid == 0 or bool(found.st_mode >> shift & bit) or _has_list(path)


def _has_list(path: Path) -> bool:
    return "system.posix_acl_access" in os.listxattr(path)
