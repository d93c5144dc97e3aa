"""How a folder is backed up: one deterministic tar for each entry of its top level, so that `zstd -d` and `tar x` restore it.

The tar of a folder that did not change is the same to the byte, and one that changed a little is close to the one before it,
which is what a delta needs. Links are kept as links and never followed; sockets, pipes and devices are left out with a note.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import partial
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import quote

from mainstay.kinds.files import attributes
from mainstay.kinds.files.inspection import compose_faults, differences
from mainstay.kinds.files.unpack import SPARSE, unpack
from mainstay.model.errors import StepFailed, Unreachable
from mainstay.system import clock
from mainstay.vault.store import Dump, Pulse, Sink, Source, Work
from mainstay.vault.swap import SwappablePath

_TOP = "at-top"  # the folder itself and what lies directly in it; sorts before every `in-...`
_CHUNK, _BLOCK = 1 << 20, 512
_SMALL = 8 << 20  # bytes of a file that is read at once
_TRIES, _DEEPEST = 3, 200
_TICK = 0.01  # seconds by which the time of a file may lag behind the clock
_KINDS = {stat.S_IFREG: tarfile.REGTYPE, stat.S_IFDIR: tarfile.DIRTYPE, stat.S_IFLNK: tarfile.SYMTYPE}


@dataclass(frozen=True)
class FilesStore(SwappablePath):
    """The store of one folder. `exclude` are globs on the path below it; `*` crosses folders."""

    path: Path
    exclude: tuple[str, ...] = ()
    in_part: set[str] = field(default_factory=set, compare=False)  # places that were loaded in part, and are to be described

    @property
    def kind(self) -> str:
        """Return the name of this kind."""
        return "files"

    def estimate(self) -> int:
        """Return the bytes of all files and their headers."""
        return sum(4 * _BLOCK + found.info.size for found in _walk(self, []))

    def dump(self, sink: Sink) -> Dump:
        """Write one tar for each part, in the order of the paths, and count and digest what is written."""
        tally, notes, began = _Tally(), list[str](), clock.now().timestamp()
        for part, entries in groupby(_walk(self, notes), key=lambda found: found.part):
            with sink.stream(f"{part}.tar") as out:
                for found in entries:
                    sink.work.pulse()
                    _append(out, found, tally, notes, sink.work.pulse)
                out.write(bytes(2 * _BLOCK))  # the end of a tar
        return Dump(tally.counts, tally.digests, {"tar": "pax"}, tuple(sorted(notes)), {"began": began})

    def load(self, source: Source, place: str, only: str = "") -> None:
        """Unpack every tar below a new folder; or one file or folder of it, which becomes the place itself."""
        if only:
            self.in_part.add(place)
        unpack(source, self._at(place), only)

    def describe(self, place: str, work: Work) -> Dump:
        """Read every file there. Of a part there is nothing to compare: its tar was hashed as a whole when it was read."""
        tally, notes = _Tally(), list[str]()
        if place in self.in_part:
            return Dump(notes=("a part: its bytes are those whose SHA-256 is in the manifest",))
        for found in _walk(FilesStore(self._at(place)), notes):
            content = _digest(found, work.pulse) if found.info.isreg() else ""
            _attribute(found)
            tally.add(found, content)
        return Dump(tally.counts, tally.digests, notes=tuple(sorted(notes)))

    def faults(self, place: str, work: Work) -> tuple[str, ...]:
        """Return the mistakes of the Compose files there."""
        return tuple(compose_faults(self._at(place), work.pulse))

    def difference(self, place: str, work: Work) -> tuple[str, ...]:
        """Tell how the live folder differs from a copy of it; values that may be secret are not told."""
        return differences(self.path, self._at(place), work.pulse)

    def newer(self, dump: Dump, work: Work) -> dict[str, int]:
        """Return how many entries of each part were made or changed since a dump began, folders that lost one included."""
        since, found = float(dump.extra.get("began", 0)) - _TICK, Counter[str]()
        for entry in _walk(self, []):
            work.pulse()
            seen = os.stat(entry.name, dir_fd=entry.parent, follow_symlinks=False)
            found[entry.part] += seen.st_ctime > since
        return {part: count for part, count in sorted(found.items()) if count}


@dataclass(frozen=True)
class _Found:
    """One entry of a folder, valid until the next one is asked for: `parent` is the descriptor of its folder."""

    part: str
    info: tarfile.TarInfo
    parent: int
    name: str


@dataclass
class _Tally:
    """Counts and order-free digests by part."""

    counts: dict[str, int] = field(default_factory=dict)
    sums: dict[str, int] = field(default_factory=dict)

    def add(self, found: _Found, content: str) -> None:
        info = found.info
        time, more = info.pax_headers.get("mtime", ""), attributes.of(info).items()
        seen = (info.name, info.type, info.mode, time, info.size, info.linkname, content, *more)
        number = int.from_bytes(hashlib.blake2b(repr(seen).encode(), digest_size=16).digest())
        self.counts[found.part] = self.counts.get(found.part, 0) + 1
        self.sums[found.part] = self.sums.get(found.part, 0) + number

    @property
    def digests(self) -> dict[str, str]:
        return {part: f"{total % (1 << 128):032x}" for part, total in self.sums.items()}


def _walk(store: FilesStore, notes: list[str]) -> Iterator[_Found]:
    """Yield every entry in the order of the paths, folders before what is in them; no link is followed."""
    if not store.path.is_dir() or store.path.is_symlink():
        raise Unreachable("this is not a folder", on=str(store.path), because="a link is not followed", next="check `path`")
    first: dict[tuple[int, int], str] = {}  # of hard links: the path that came first
    for folder, names, files, fd in os.fwalk(store.path, onerror=partial(_unreadable, notes)):
        below = PurePosixPath(os.path.relpath(folder, store.path))
        if len(below.parts) > _DEEPEST:
            raise StepFailed("folders are nested too deeply", on=folder, because=f"more than {_DEEPEST} levels")
        wanted = [name for name in sorted([*names, *files]) if not _excluded(store, str(below / name))]
        folders = set(names)
        names[:] = sorted((name for name in wanted if name in folders), key=lambda name: _part(below / name))
        yield _Found(_part(below), _info(str(below), os.fstat(fd)), fd, ".")
        yield from _entries(wanted, below, fd, first, notes)


def _entries(
    wanted: list[str], below: PurePosixPath, fd: int, first: dict[tuple[int, int], str], notes: list[str]
) -> Iterator[_Found]:
    for name in wanted:
        path = str(below / name)
        try:
            seen = os.lstat(name, dir_fd=fd)
            target = os.readlink(name, dir_fd=fd) if stat.S_ISLNK(seen.st_mode) else ""
        except FileNotFoundError:
            notes.append(f"{path!a}: vanished")
            continue
        if stat.S_IFMT(seen.st_mode) not in _KINDS:
            notes.append(f"{path!a}: left out, neither file nor folder nor link")
        elif not stat.S_ISDIR(seen.st_mode):
            info = _info(path, seen)
            info.linkname = target
            if seen.st_nlink > 1 and info.isreg() and first.setdefault((seen.st_dev, seen.st_ino), path) != path:
                info.type, info.size, info.linkname = tarfile.LNKTYPE, 0, first[seen.st_dev, seen.st_ino]
            yield _Found(_part(below), info, fd, name)


def _info(path: str, seen: os.stat_result) -> tarfile.TarInfo:
    """Describe an entry; the time is kept to the nanosecond, names of users are left out."""
    info = tarfile.TarInfo(path)
    info.type = _KINDS[stat.S_IFMT(seen.st_mode)]
    info.mode, info.uid, info.gid = stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid
    info.size = seen.st_size if info.isreg() else 0
    info.mtime = seen.st_mtime_ns // 10**9
    info.pax_headers = {"mtime": f"{seen.st_mtime_ns // 10**9}.{seen.st_mtime_ns % 10**9:09d}"}
    return info


def _append(out: BinaryIO, found: _Found, tally: _Tally, notes: list[str], pulse: Pulse) -> None:
    """Write one entry. A small file that changes while it is read is read again; one that goes on changing is noted."""
    small, same, content = found.info.size <= _SMALL, True, ""
    try:
        if found.info.isreg():
            same, content = (_write_small if small else _write_large)(out, found, pulse)
        else:
            _attribute(found)
            out.write(_header(found.info))
    except FileNotFoundError:
        notes.append(f"{found.info.name!a}: vanished")
        return
    if not same:
        notes.append(f"{found.info.name!a}: changed while it was read" + (f", {_TRIES} times" if small else ""))
    tally.add(found, content)


def _write_small(out: BinaryIO, found: _Found, pulse: Pulse) -> tuple[bool, str]:
    """Read a file at once, until it stood still meanwhile; return whether it did, and the SHA-256 of what was written."""
    for _ in range(_TRIES):
        with _opened(found) as file:
            header, before = _headed(found, file)
            pulse()
            content = file.read(found.info.size).ljust(found.info.size, b"\0")
            same = _unchanged(before, file)
        if same:
            break
    out.write(header)
    out.write(content + bytes(-len(content) % _BLOCK))
    return same, hashlib.sha256(content).hexdigest()


def _write_large(out: BinaryIO, found: _Found, pulse: Pulse) -> tuple[bool, str]:
    """Write a file as it is read; return whether it stood still, and the SHA-256 of what was written."""
    with _opened(found) as file:
        header, before = _headed(found, file)
        out.write(header)
        digest, left = hashlib.sha256(), found.info.size
        while left:
            pulse()
            chunk = file.read(min(_CHUNK, left)) or bytes(min(_CHUNK, left))  # it became shorter: zeros, and not the same
            digest.update(chunk)
            out.write(chunk)
            left -= len(chunk)
        out.write(bytes(-found.info.size % _BLOCK))
        return _unchanged(before, file), digest.hexdigest()


def _headed(found: _Found, file: BinaryIO) -> tuple[bytes, os.stat_result]:
    """Take size and time of an opened file as they are now, and return its header."""
    before, info = os.fstat(file.fileno()), found.info
    fresh = _info(info.name, before)
    info.size, info.mtime, info.pax_headers = fresh.size, fresh.mtime, {**fresh.pax_headers, **attributes.headers(file.fileno())}
    return _header(info, {SPARSE: "1"} if before.st_blocks * 512 < before.st_size else {}), before


def _unchanged(before: os.stat_result, file: BinaryIO) -> bool:
    after = os.fstat(file.fileno())
    return (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)


def _attribute(found: _Found) -> None:
    """Add the extended attributes of an entry; further names of a file have none of their own."""
    if not found.info.islnk():
        own = attributes.headers(f"/proc/self/fd/{found.parent}/{found.name}")
        found.info.pax_headers = {**found.info.pax_headers, **own}


def _digest(found: _Found, pulse: Pulse) -> str:
    digest = hashlib.sha256()
    with _opened(found) as file:
        while chunk := file.read(_CHUNK):
            pulse()
            digest.update(chunk)
    return digest.hexdigest()


def _opened(found: _Found) -> BinaryIO:
    """Open a file of a folder for reading; what is no regular file any more is an error."""
    try:
        fd = os.open(found.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=found.parent)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unreadable_error(found.info.name, error) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise _unreadable_error(found.info.name, OSError(errno.EINVAL, "it was exchanged for something that is no file"))
    return os.fdopen(fd, "rb")


def _header(info: tarfile.TarInfo, more: dict[str, str] | None = None) -> bytes:
    kept = info.pax_headers
    info.pax_headers = {**kept, **(more or {})}
    try:
        return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    finally:
        info.pax_headers = kept


def _part(below: PurePosixPath) -> str:
    """Name the tar of everything below one entry of the top level, in the letters that an object may have."""
    if not below.parts:
        return _TOP
    safe = quote(os.fsencode(below.parts[0]), safe="").replace("~", "%7E")
    return f"in-{safe}" if len(safe) <= 150 else f"in-{hashlib.sha256(safe.encode()).hexdigest()}"


def _excluded(store: FilesStore, path: str) -> bool:
    return any(fnmatch(path, glob) for glob in store.exclude)


def _unreadable(notes: list[str], error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise _unreadable_error(str(error.filename), error)
    notes.append(f"{error.filename!a}: vanished")


def _unreadable_error(path: str, error: OSError) -> StepFailed:
    next = "let Mainstay read it, or name it in `exclude`"
    return StepFailed(
        "a file cannot be read, and a backup without it would not be complete", on=path, because=str(error.strerror), next=next
    )
