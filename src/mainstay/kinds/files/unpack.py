"""Tars become a folder again, all of it or one entry and what is below; nothing they say leads out of it."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mainstay.kinds.files import attributes
from mainstay.model.errors import Refused
from mainstay.vault.manifest import Damaged
from mainstay.vault.store import Pulse, Source

SPARSE = "MAINSTAY.sparse"  # other tars ignore it and write zeros
_CHUNK, _HOLE = 1 << 20, 1 << 16


@dataclass(frozen=True)
class _Wanted:
    """The place, and the path in the dump that becomes it: "." for the whole folder."""

    into: Path
    only: PurePosixPath

    def place(self, name: str) -> Path | None:
        """Return where an entry goes, None when it is not asked for; ValueError when it leads out of the folder."""
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\0" in name:
            raise ValueError(f"{name!a} leads out of the folder")
        return self.into / path.relative_to(self.only) if path.is_relative_to(self.only) else None


def unpack(source: Source, into: Path, only: str = "") -> None:
    """Unpack at a new path: files first, then links and folders from the deepest up."""
    wanted = _Wanted(into, PurePosixPath(only or "."))
    try:
        later = _files(source, wanted)
        lost = [member for member in later if member.islnk() and not wanted.place(member.linkname)]
        _fetch(source, wanted, lost)
        for member in sorted(later, key=_deepest_first):
            source.work.pulse()
            if member not in lost:
                _complete(member, wanted)
    except (tarfile.TarError, ValueError, FileExistsError, FileNotFoundError, NotADirectoryError) as error:
        raise Damaged("the dump cannot be unpacked", on=str(into), because=str(error)) from error
    if not os.path.lexists(into):
        raise Refused("the backup holds no such file or folder", on=only, next="name a path below the folder, as in uploads/2026")


def _files(source: Source, wanted: _Wanted) -> list[tarfile.TarInfo]:
    """Write the files and make the folders; return what is left to be done: links, and folders to be dressed."""
    later = []
    if wanted.only == PurePosixPath("."):
        wanted.into.mkdir(mode=0o700)
    for tar, member in _members(source):
        if (place := wanted.place(member.name)) and not _extracted(tar, member, place, source.work.pulse):
            later.append(member)
    return later


def _fetch(source: Source, wanted: _Wanted, lost: list[tarfile.TarInfo]) -> None:
    """Write the content of files whose first name is not asked for, under the names that are."""
    firsts: dict[str, list[tarfile.TarInfo]] = {}
    for member in lost:
        firsts.setdefault(member.linkname, []).append(member)
    for tar, member in _members(source) if firsts else ():
        places = [wanted.place(one.name) for one in firsts.get(member.name, ())]
        if places and places[0]:
            _extracted(tar, member, places[0], source.work.pulse)
        for place in places[1:]:
            if place and places[0]:
                os.link(places[0], place)


def _members(source: Source) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    for name in source.names:
        with source.stream(name) as file, tarfile.open(fileobj=file, mode="r|", errorlevel=2) as tar:
            yield from ((tar, member) for member in tar)


def _extracted(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path, pulse: Pulse) -> bool:
    """Write a file or make a folder; False when something is left to be done about the member."""
    if member.isdir():
        if member.name != ".":
            place.mkdir(mode=0o700)
        return False
    if not member.isreg():
        return False
    source = tar.extractfile(member)
    assert source is not None
    sparse = SPARSE in member.pax_headers
    with place.open("xb") as file:
        while chunk := source.read(_HOLE if sparse else _CHUNK):
            pulse()
            if sparse and not any(chunk):
                file.seek(len(chunk), os.SEEK_CUR)
            else:
                file.write(chunk)
        file.truncate(member.size)
    _dress(place, member)
    return True


def _complete(member: tarfile.TarInfo, wanted: _Wanted) -> None:
    """Make a link, or give a folder its owner, mode and time once its content is there."""
    place = wanted.place(member.name)
    assert place
    if member.islnk():
        first = wanted.place(member.linkname)
        assert first
        os.link(first, place, follow_symlinks=False)
        return
    if member.issym():
        os.symlink(member.linkname, place)
    elif not member.isdir():
        raise ValueError(f"{member.name!a} is neither file nor folder nor link")
    _dress(place, member)


def _deepest_first(member: tarfile.TarInfo) -> int:
    """Order links and folders so that a folder's time is set after all that happens in it, and nothing passes through a link."""
    return -len(PurePosixPath(member.name).parts)


def _dress(place: Path, member: tarfile.TarInfo) -> None:
    """Set owner (as root), attributes, mode and time; of a link only what a link has."""
    if os.geteuid() == 0:
        os.chown(place, member.uid, member.gid, follow_symlinks=False)
    attributes.restore(place, member)  # after the owner, whose change takes capabilities away
    if not member.issym():
        os.chmod(place, member.mode & 0o7777)
    seconds, _, fraction = str(member.pax_headers.get("mtime", int(member.mtime))).partition(".")
    time = int(seconds) * 10**9 + int(fraction.ljust(9, "0")[:9])
    os.utime(place, ns=(time, time), follow_symlinks=False)
