"""What one look at an archive, and at the server whose log it keeps, shows."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.health.rows import Archiver
from mainstay.kinds.postgres.recovery import segments
from mainstay.kinds.postgres.recovery.base import Base, Kept, kept
from mainstay.kinds.postgres.recovery.folder import Archive, Wal
from mainstay.kinds.postgres.settings import ArchiveSettings
from mainstay.model.errors import ConfigError, Unreachable
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.files import room


@dataclass(frozen=True)
class Source:
    """The server whose log is archived."""

    sql: ClassVar[str] = "wal_source"
    extension: ClassVar[str] = ""

    at: datetime
    system: str
    major: int
    version: str
    standby: bool
    written: str
    installer: str
    spaces: tuple[str, ...]
    size: Size
    folder: str
    archive_mode: str
    wal_level: str


@dataclass(frozen=True)
class Reader:
    """A physical slot; positions are "" where nobody reads, or this role may not see them."""

    sql: ClassVar[str] = "wal_readers"
    extension: ClassVar[str] = ""

    slot: str
    active: bool
    status: str  # reserved, extended, unreserved, lost
    restart: str
    written: str
    flushed: str


@dataclass(frozen=True)
class ArchiveFacts:
    """An archive, its room, and the server as far as it answers. `at` is by the server's clock when it does."""

    at: datetime
    settings: ArchiveSettings
    name: str  # of the target
    there: bool = False
    mode: int = 0o700
    system: str = ""  # whose log it holds; "" while it holds none
    wal: Wal = field(default_factory=Wal)
    bases: tuple[Kept, ...] = ()
    strange: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()  # what is being made or removed, or was left when that was killed
    free: Size = Size(0)
    beside: Size = Size(0)  # free where a recovery would be made
    pg_wal: Size | None = None  # free for the server's own log; None where that cannot be seen
    source: Source | None = None
    trouble: str = ""  # why the server cannot be looked at
    reader: Reader | None = None
    archiver: Archiver | None = None
    damaged: tuple[str, ...] = ()
    held: frozenset[str] = frozenset()

    @property
    def lag(self) -> Size | None:
        """Bytes of log that the server has and the archive has not; None while the server cannot be asked."""
        if self.source is None:
            return None
        return Size(max(0, segments.position(self.source.written) - self._received))

    @property
    def rpo(self) -> Duration | None:
        """Age of the newest commit that would be lost with the server now; None while there is no log."""
        if self.wal.newest is None:
            return None
        if self.lag == 0:
            return Duration(0)
        return Duration(max(0.0, (self.at - self.wal.newest).total_seconds()))

    @property
    def until(self) -> datetime | None:
        """The moment up to which every commit is in the archive."""
        return None if self.rpo is None else self.at - timedelta(seconds=self.rpo)

    @property
    def _received(self) -> int:
        known = [self.reader.written, self.reader.restart] if self.reader and self.reader.active else []
        return max([self.wal.finished, *(segments.position(text) for text in known if text)])

    def base(self, id: str) -> Base | None:
        """Return a base backup."""
        return next((one.base for one in self.bases if one.base.id == id), None)


def configured(session: Session) -> ArchiveSettings:
    """Return where the archive is; ConfigError when none is configured."""
    found: ArchiveSettings | None = session.target.settings.archive
    if found is None:
        raise ConfigError(f"{session.target.name}: no archive is configured", next="archive: {path: /backups/wal/db}")
    return found


def beside(settings: ArchiveSettings) -> Path:
    """Return where recovered clusters are made."""
    return settings.scratch or settings.path.parent


def look(session: Session, *, server: bool = True) -> ArchiveFacts:
    """Look at the archive, and with `server` at the server too; one that does not answer is a fact."""
    settings, archive, start = configured(session), Archive(configured(session).path), f"archive:{session.target.name}/"
    found, strange = kept(archive)
    label = archive.label() if archive.root.is_dir() else None
    wal = archive.read()
    source, trouble, reader, archiver = _server(session, settings) if server else (None, "", None, None)
    return ArchiveFacts(
        source.at if source else clock.now(),
        settings,
        session.target.name,
        archive.root.is_dir(),
        stat.S_IMODE(archive.root.stat().st_mode) if archive.root.is_dir() else 0o700,
        label.system if label else "",
        wal,
        found,
        (*strange, *wal.strange),
        archive.parts(),
        _free(archive.root if archive.root.is_dir() else archive.root.parent) or Size(0),
        _free(beside(settings)) or Size(0),
        _free(Path(source.folder, "pg_wal")) if source and source.folder and not session.door.place.container else None,
        source,
        trouble,
        reader,
        archiver,
        held=frozenset(one.removeprefix(start) for one in session.held if one.startswith(start)),
    )


def _server(session: Session, settings: ArchiveSettings) -> tuple[Source | None, str, Reader | None, Archiver | None]:
    try:
        source, readers = session.connection.read(Source)[0], session.connection.read(Reader)
        [archiver] = session.connection.read(Archiver)
    except Unreachable as error:
        return None, error.because or error.what, None, None
    return source, "", next((one for one in readers if one.slot == settings.slot), None), archiver


def _free(folder: Path) -> Size | None:
    try:
        return room(folder).free
    except OSError:
        return None
