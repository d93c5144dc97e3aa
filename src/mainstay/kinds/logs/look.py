"""Looking at a set of logs without changing anything."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import glob
from pathlib import Path, PurePath

from mainstay.kinds.kind import Session
from mainstay.kinds.logs import catalogue, collapse, names
from mainstay.kinds.logs.facts import Facts, Live, Part, Stream
from mainstay.kinds.logs.folder import insecure
from mainstay.kinds.logs.logrotate import blocks
from mainstay.kinds.logs.reopen import reach
from mainstay.kinds.logs.settings import Settings
from mainstay.kinds.logs.writers import Opened, Writer, of, scan
from mainstay.model.units import Size
from mainstay.system import clock


@dataclass(frozen=True)
class _Folder:
    """A folder that patterns name: as they name it, where it really is, and what lies in it."""

    named: str
    real: str
    names: tuple[str, ...]


def look(session: Session) -> Facts:
    """Return everything that is known of a target's logs."""
    policy: Settings = session.target.settings
    opened = scan()
    rivals = [(block.file, pattern) for block in blocks(policy.rivals) for pattern in block.paths]
    streams: dict[str, Stream] = {}
    for folder in _folders(policy.paths):
        for log in sorted({_log_of(name) for name in folder.names} - {""}):
            if wanted(f"{folder.named}/{log}", policy):
                named = (file for file, pattern in rivals if names.matches(f"{folder.named}/{log}", pattern))
                stream = _stream(folder, log, opened, policy, next(named, ""))
                streams[stream.path] = stream
    return Facts(
        clock.now(),
        policy,
        tuple(stream for _, stream in sorted(streams.items())),
        *_archived(policy),
        reach(session.door, policy.reopen) if policy.reopen else None,
        tuple(sorted(session.held)),
    )


def wanted(path: str, policy: Settings) -> bool:
    """Say whether the policy speaks of a log of this path."""
    return any(names.matches(path, pattern) for pattern in policy.paths) and not any(
        names.matches(path, pattern) for pattern in policy.exclude
    )


def _archived(policy: Settings) -> tuple[tuple[catalogue.Entry, ...], tuple[str, ...]]:
    if policy.archive is None:
        return (), ()
    entries = catalogue.read(policy.archive)
    return entries, tuple(entry.part for entry in entries if not (policy.archive / entry.part).is_file())


def _folders(patterns: Iterable[str]) -> Iterator[_Folder]:
    for named in sorted({folder for pattern in patterns for folder in glob(str(PurePath(pattern).parent), recursive=True)}):
        if os.path.isdir(named):
            yield _Folder(named, os.path.realpath(named), tuple(os.listdir(named)))


def _log_of(name: str) -> str:
    part = names.parse(name)
    return part.log if part else names.foreign(name) or name


def _stream(folder: _Folder, log: str, opened: Opened, policy: Settings, rival: str) -> Stream:
    path = f"{folder.real}/{log}"
    parts = tuple(_parts(folder, log, opened))
    live, unsafe = _live(path, opened, policy, {part.inode for part in parts})
    rotated = max((part.stamp for part in parts), default=None)
    foreign = tuple(
        sorted(f"{folder.real}/{name}" for name in folder.names if names.foreign(name) == log and not names.parse(name))
    )
    return Stream(_shown(path), live, parts, unsafe, rival, tuple(map(_shown, foreign)), rotated)


def _parts(folder: _Folder, log: str, opened: Opened) -> list[Part]:
    """Return the parts of a log, oldest first; a compressed part beside its plain one is not finished and does not count."""
    mine = [name for name in folder.names if (named := names.parse(name)) and named.log == log]
    whole = [name for name in mine if name.removesuffix(names.ZST) == name or name.removesuffix(names.ZST) not in mine]
    found = [part for name in whole if (part := _part(f"{folder.real}/{name}", opened))]
    return sorted(found, key=lambda part: (part.stamp, part.turn))


def _part(path: str, opened: Opened) -> Part | None:
    named = names.parse(PurePath(path).name)
    try:
        seen = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None  # dropped meanwhile
    if not named or not stat.S_ISREG(seen.st_mode):
        return None
    what = (named.stamp, named.turn, named.compressed, seen.st_ino, seen.st_nlink, Size(seen.st_size))
    return Part(path, *what, _writers(path, opened))


def _live(path: str, opened: Opened, policy: Settings, parts: set[int]) -> tuple[Live | None, str]:
    try:
        seen = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None, ""
    if not stat.S_ISREG(seen.st_mode):
        return None, "it is not a regular file"
    cut = _cut(path) if policy.append_only else (0, 0, "")
    what = (seen.st_ino, seen.st_nlink, Size(seen.st_size), stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid)
    return Live(*what, _writers(path, opened), *cut), _unsafe(path, seen, parts)


def _unsafe(path: str, seen: os.stat_result, parts: set[int]) -> str:
    if path != _shown(path):
        return "its name is not UTF-8"
    if seen.st_nlink > 1 and seen.st_ino not in parts:
        return f"it has {seen.st_nlink} names (hard links)"
    if os.geteuid() not in (0, seen.st_uid):
        return f"it belongs to user {seen.st_uid}"
    return insecure(str(PurePath(path).parent))


def _writers(path: str, opened: Opened) -> tuple[Writer, ...]:
    with _reading(path) as fd:
        return of(fd, opened) if fd is not None else ()


def _cut(path: str) -> tuple[int, int, str]:
    with _reading(path) as fd:
        if fd is None:
            return 0, 0, "it cannot be read"
        return collapse.whole_blocks(fd), collapse.first_block(fd), collapse.why_not(str(Path(path).parent))


@contextmanager
def _reading(path: str) -> Iterator[int | None]:
    """Open a file to ask about it, following no link; None when it may not be read or is gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        yield fd
    finally:
        os.close(fd)


def _shown(path: str) -> str:
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
