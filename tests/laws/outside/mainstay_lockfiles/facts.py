"""What a folder of lock files holds, and which of their processes live."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mainstay.kinds.kind import Session
from mainstay.model.because import Because, because
from mainstay.model.errors import Unreachable
from mainstay.model.plan import On
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.files import read_bounded

from .settings import Settings


@dataclass(frozen=True)
class LockFile:
    """A lock file. `pid` is 0 when it holds none; `kept` is the inode that lies at the place where it would be kept."""

    path: str
    inode: int = 0  # 0 = there is no such file
    age: Duration = Duration(0)
    pid: int = 0
    alive: bool = False
    kept: int = 0


@dataclass(frozen=True)
class Facts:
    """The lock files of a folder, and the limits."""

    at: datetime
    settings: Settings
    files: tuple[LockFile, ...] = ()
    held: tuple[str, ...] = ()


def look(session: Session, on: On | None) -> Facts:
    """Look at every lock file, or at `("lockfile", path, kept)` alone."""
    settings: Settings = session.target.settings
    if not settings.folder.is_dir():
        raise Unreachable("the folder is not there", on=str(settings.folder), next="check `folder`")
    if on:
        files = [_file(Path(on[1]), Path(on[2]))]
    else:
        files = [_file(path) for path in sorted(settings.folder.glob(settings.pattern)) if path.is_file()]
    return Facts(clock.now(), settings, tuple(files), tuple(sorted(session.held)))


def in_use(file: LockFile, facts: Facts) -> Because | None:
    """Say why a file is left alone, or None when it is stale."""
    if file.path in facts.held:
        return because("held", "an unsettled run may need it")
    if not file.pid:
        return because("process id", "none in the file")
    if file.alive:
        return because("process alive", file.pid)
    limit = facts.settings.min_age
    return because("age", file.age, "<", limit, "min_age") if file.age < limit else None


def inode(path: Path) -> int:
    """Return the inode of a file, 0 when there is none."""
    try:
        return path.lstat().st_ino
    except FileNotFoundError:
        return 0


def _file(path: Path, kept: Path | None = None) -> LockFile:
    there = inode(kept) if kept else 0
    try:
        seen, text = path.lstat(), read_bounded(path, Size(100)).decode("ascii", "replace").strip()
    except OSError:
        return LockFile(str(path), inode(path), kept=there)
    pid = int(text) if text.isascii() and text.isdigit() else 0
    age = Duration(max(0.0, clock.now().timestamp() - seen.st_mtime))
    return LockFile(str(path), seen.st_ino, age, pid, Path(f"/proc/{pid}").is_dir(), there)
