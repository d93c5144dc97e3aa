"""The folder of an archive, which shows complete things only.

mainstay-wal.json     format version, the cluster whose log it is, and the bytes of a segment
receiving/            what pg_receivewal writes: the newest segments, plain, the last of them .partial
wal/NAME.zst          finished segments, timeline histories and labels of backups; each is durable and never changes
bases/ID/             one base backup: base.tar.zst, backup_manifest, base.json, SHA256SUMS
proofs/ID/NAME.json   what a recovery from it has shown
.part-NAME/           what somebody is making or removing
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mainstay.kinds.postgres.recovery import packing, segments
from mainstay.kinds.postgres.recovery.segments import Header, Place, Stretch, Timeline
from mainstay.model.codec import canonical, decode
from mainstay.model.errors import Refused, Unreachable
from mainstay.model.units import Size
from mainstay.system.files import sync_folder, write_atomic

VERSION = 1
LABEL = "mainstay-wal.json"
PART = ".part-"
SIZES = frozenset(1 << power for power in range(20, 31))
_FOLDERS = ("receiving", "wal", "bases", "proofs")


@dataclass(frozen=True)
class Label:
    """Whose log an archive holds."""

    version: int
    system: str
    segment: int


@dataclass(frozen=True)
class Wal:
    """The log of an archive: stretches of segments, histories of timelines, bytes on disk, and what does not belong there."""

    segment: int = 1 << 24
    stretches: tuple[Stretch, ...] = ()
    timelines: tuple[Timeline, ...] = ()
    stored: Size = Size(0)
    finished: int = 0  # position up to which finished segments are there
    strange: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a size that no segment has: names of segments could not be told from it."""
        if self.segment not in SIZES:
            raise ValueError(f"segments of {self.segment} bytes: PostgreSQL has powers of two from 1 MiB to 1 GiB")

    @property
    def newest(self) -> datetime | None:
        """When the newest log was written."""
        return max((one.ended for one in self.stretches), default=None)


@dataclass(frozen=True)
class Archive:
    """An archive; `root` need not exist."""

    root: Path

    @property
    def wal(self) -> Path:
        """Return the folder of finished segments."""
        return self.root / "wal"

    @property
    def receiving(self) -> Path:
        """Return the folder in which pg_receivewal writes."""
        return self.root / "receiving"

    @property
    def bases(self) -> Path:
        """Return the folder of base backups."""
        return self.root / "bases"

    @property
    def proofs(self) -> Path:
        """Return the folder of proofs."""
        return self.root / "proofs"

    def make(self) -> Archive:
        """Make the folders that are not there; that above must be."""
        try:
            self.root.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            next = "mount its disk, or make the folder above"
            raise Unreachable("the archive cannot be made", on=str(self.root), because=error.strerror or "", next=next) from error
        for name in _FOLDERS:
            (self.root / name).mkdir(mode=0o700, exist_ok=True)
        return self

    def label(self) -> Label | None:
        """Return whose log it holds; None while it holds none."""
        try:
            found = decode(Label, json.loads((self.root / LABEL).read_bytes()))
        except FileNotFoundError:
            return None
        if found.version > VERSION:
            raise Refused("this archive was made by a newer Mainstay", on=str(self.root), because=f"format {found.version}")
        return found

    def admit(self, header: Header, name: str) -> None:
        """Refuse a segment that is none of this archive's; the first one says whose archive it is."""
        known = self.label()
        if known is None:
            write_atomic(self.root / LABEL, canonical(Label(VERSION, header.system, header.segment)))
        elif (known.system, known.segment) != (header.system, header.segment):
            raise Refused(
                "this log belongs to another cluster", on=name,
                because=f"system {header.system}, the archive is of {known.system}",
                next="give each cluster an archive of its own: `archive.path`",
            )  # fmt: skip
        said = segments.name_of((header.timeline, header.position // header.segment), header.segment)
        if said[8:] != name[8:24] or header.timeline > int(name[:8], 16):
            raise packing.damaged(Path(name), f"its first page says that it is {said}")

    def part(self, name: str) -> Path:
        """Name a folder for something half made."""
        return self.root / f"{PART}{name}"

    def parts(self) -> tuple[str, ...]:
        """Name what is half made or half removed."""
        return tuple(sorted(path.name.removeprefix(PART) for path in self.root.glob(f"{PART}*")))

    def drop(self, id: str) -> None:
        """Take a base backup out of sight in one durable rename, then remove it and its proofs; safe to repeat."""
        hidden = self.part(f"drop-{id}")
        if (self.bases / id).is_dir():
            os.rename(self.bases / id, hidden)
            sync_folder(self.bases)
        for path in (self.proofs / id, hidden):
            if path.exists():
                shutil.rmtree(path)

    def source(self, place: Place, size: int) -> Path:
        """Return the file that holds a segment now; FileNotFoundError when there is none."""
        name = segments.name_of(place, size)
        paths = [self.wal / f"{name}{packing.SUFFIX}", self.receiving / name, self.receiving / f"{name}{segments.PARTIAL}"]
        return next((path for path in paths if path.exists()), None) or _gone(name)

    def read(self) -> Wal:
        """List the log."""
        label = self.label()
        if label is None or not self.wal.is_dir():
            return Wal()
        begun = list(self._partial(label.segment))  # first: what is finished or packed meanwhile is then seen at its next place
        finished = dict(self._finished(label.segment))
        partial = {place: at for place, at in begun if _is_last(place, finished)}
        top = max(finished, key=lambda place: place[1], default=None)
        return Wal(
            label.segment,
            segments.stretches({**partial, **finished}),
            tuple(self._timelines()),
            Size(sum(path.stat().st_size for path in self.wal.glob(f"*{packing.SUFFIX}"))),
            (top[1] + 1) * label.segment if top else 0,
            tuple(name for name in self._names() if not segments.ARCHIVED.fullmatch(name)),
        )

    def _names(self) -> list[str]:
        visible = (name for name in os.listdir(self.wal) if not name.startswith("."))
        return sorted(name.removesuffix(packing.SUFFIX) for name in visible)

    def _finished(self, size: int) -> Iterator[tuple[Place, datetime]]:
        for folder in (self.receiving, self.wal):
            for path, at in _written(folder):
                if segments.SEGMENT.fullmatch(name := path.name.removesuffix(packing.SUFFIX)):
                    yield segments.place_of(name, size), at

    def _partial(self, size: int) -> Iterator[tuple[Place, datetime]]:
        for path, at in _written(self.receiving):
            if path.name.endswith(segments.PARTIAL):
                yield segments.place_of(path.name, size), at

    def _timelines(self) -> Iterator[Timeline]:
        for name in self._names():
            if found := segments.HISTORY.fullmatch(name):
                with packing.unpacked(self.wal / f"{name}{packing.SUFFIX}") as file:
                    yield segments.history_of(int(found[1], 16), file.read().decode())


def store(archive: Archive, source: Path, name: str) -> None:
    """Put a finished file of the log into the archive, durably; nothing to do where it is, Refused where another one is."""
    path = archive.wal / f"{name}{packing.SUFFIX}"
    with source.open("rb") as file:
        if segments.SEGMENT.fullmatch(name):
            header = segments.header_of(file.read(segments.HEADER_BYTES))
            if header is None:
                raise packing.damaged(source, "it does not begin as a segment does")
            archive.admit(header, name)
            file.seek(0)
        if not path.exists():
            part = archive.wal / f".{name}.{os.getpid()}.part"
            part.unlink(missing_ok=True)
            packing.pack(file, part, lambda _: None)
            os.utime(part, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))
            _publish(part, path)
            _sweep(archive, name)
            return
    if not packing.equal(source, path):
        raise Refused(
            "another file of this name is archived already", on=str(path), because="its content differs",
            next="two clusters must not archive into one folder; was one of them promoted, or restored?",
        )  # fmt: skip


def _publish(part: Path, path: Path) -> None:
    try:
        packing.publish(part, path)
    finally:
        part.unlink(missing_ok=True)


def _sweep(archive: Archive, name: str) -> None:
    """Remove what killed attempts at the same file have left."""
    for left in archive.wal.glob(f".{name}.*.part"):
        left.unlink(missing_ok=True)


def _is_last(place: Place, finished: dict[Place, datetime]) -> bool:
    """Tell whether nothing finished lies at or behind a segment on its timeline."""
    return all(other < place for other in finished if other[0] == place[0])


def _written(folder: Path) -> Iterator[tuple[Path, datetime]]:
    """Yield the files of a folder, each with the time at which it was last written."""
    for file in os.scandir(folder):
        with suppress(FileNotFoundError):  # it has just been packed
            yield Path(file.path), datetime.fromtimestamp(file.stat().st_mtime, UTC)


def _gone(name: str) -> Path:
    raise FileNotFoundError(name)
