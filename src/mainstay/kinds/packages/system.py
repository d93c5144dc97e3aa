"""The way to a Debian system, here or in a container: files as an archive, questions to dpkg and apt; nothing is changed."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from mainstay.kinds.kind import Session
from mainstay.model.errors import Unreachable
from mainstay.model.units import Duration, Size
from mainstay.system.process import Completed, Door, legible

_MOST = Size(64 << 20)  # of what one program prints
_BATCH = 100  # files of one archive
_PLAIN = {"LC_ALL": "C"}
_FIND = ("-maxdepth", "2", "-type", "f", "-printf", r"%p\t%T@\t%s\t%i\0")
STATUS, LOG, LISTS, REBOOT = "var/lib/dpkg/status", "var/log/dpkg.log", "var/lib/apt/lists/", "run/reboot-required"
REFRESHED = "var/lib/apt/periodic/update-success-stamp"  # touched by a hook that Ubuntu and update-notifier bring
_WATCHED = {  # where to look, and what of it matters
    STATUS: STATUS,
    "var/log": f"{LOG}*",
    "var/lib/apt/lists": f"{LISTS}*",
    "var/lib/apt/periodic": REFRESHED,
    "run": f"{REBOOT}*",
    "etc/apt": "etc/apt/*",
}


@dataclass(frozen=True)
class File:
    """A file below the root: its path there, when it was written, and what would tell another content."""

    path: str
    written: datetime
    mark: str


@dataclass(frozen=True)
class System:
    """Where the system is, and how long each question may take."""

    door: Door
    root: Path
    timeout: Duration

    def files(self) -> list[File]:
        """List the files that the answers come from; Unreachable when dpkg has no database there."""
        done = self._run("find", "-L", *(str(self.root / place) for place in _WATCHED), *_FIND)
        lines = done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
        found = sorted((one for line in lines if (one := _file(line, self.root))), key=lambda one: one.path)
        if not any(one.path == STATUS for one in found):
            raise Unreachable(
                "no database of dpkg is found", on=str(self.root), because=_why(done), next="check `root`, `runs_in`"
            )
        return found

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Return the content of files by their path below the root; what is not there, or cannot be read, is left out."""
        names, found = list(paths), dict[str, bytes]()
        for first in range(0, len(names), _BATCH):
            found.update(self._archived(names[first : first + _BATCH]))
        return found

    def dpkg(self, *words: str) -> str:
        """Ask dpkg's database."""
        done = self._run("dpkg-query", f"--admindir={self.root / 'var/lib/dpkg'}", *words)
        return self._answer(done)

    def apt(self, program: str, *words: str) -> str:
        """Ask apt, with its cache in memory: its files are left as they are."""
        memory = ("-o", "Dir::Cache::pkgcache=", "-o", "Dir::Cache::srcpkgcache=")
        done = self._run(program, *memory, *self._elsewhere(), *words)
        return self._answer(done)

    def _elsewhere(self) -> tuple[str, ...]:
        if self.root == Path("/"):
            return ()
        return ("-o", f"Dir={self.root}", "-o", f"Dir::State::status={self.root / 'var/lib/dpkg/status'}")

    def _archived(self, paths: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Have files archived by one process, and yield them: neither special files nor what unpacks to too much."""
        options = ("--dereference", "--hard-dereference", "--ignore-failed-read", "--null", "--files-from=-")
        names = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
        done = self._run("tar", "--create", "--file=-", f"--directory={self.root}", *options, stdin=names)
        try:
            with tarfile.open(fileobj=io.BytesIO(done.stdout), mode="r:") as archive:
                fit = (one for one in archive if one.isreg() and one.size <= _MOST)
                yield from ((one.name, file.read()) for one in fit if (file := archive.extractfile(one)))
        except tarfile.TarError as error:
            raise Unreachable("tar gives no answer", on=str(self.door.place), because=_why(done)) from error

    def _answer(self, done: Completed) -> str:
        if done.code:
            raise Unreachable(f"{done.argv[0]} gives no answer", on=str(self.door.place), because=_why(done))
        return done.stdout.decode("utf-8", "replace")

    def _run(self, *argv: str, stdin: bytes | None = None) -> Completed:
        done = replace(self.door, keep=_MOST).run(argv, self.timeout, env=_PLAIN, stdin=stdin)
        if done.cut:
            raise Unreachable("it printed too much", on=argv[0], because=f"more than {_MOST}")
        return done


def of(session: Session) -> System:
    """Return the system of a target."""
    settings = session.target.settings
    return System(session.door, settings.root, settings.timeout)


def _file(line: str, root: Path) -> File | None:
    """Read a line of find; None for a file that does not matter."""
    full, written, size, inode = line.rsplit("\t", 3)
    path = str(Path(full).relative_to(root))
    if not any(fnmatchcase(path, glob) for glob in _WATCHED.values()):
        return None
    return File(path, datetime.fromtimestamp(float(written), UTC), f"{path} {written} {size} {inode}")


def _why(done: Completed) -> str:
    return next(reversed(legible(done.stderr).strip().splitlines()), f"exit code {done.code}")
