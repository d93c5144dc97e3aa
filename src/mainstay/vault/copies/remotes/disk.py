"""A folder on another disk, which proves by a marker file that the disk is mounted."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mainstay.model.errors import Unreachable
from mainstay.model.setting import Setting
from mainstay.model.units import Size
from mainstay.system.files import no_space, sync_folder
from mainstay.vault.copies.remotes.remote import Exists, Missing, Remote, Stored, chunks, hashed
from mainstay.vault.store import Work

PART = ".part"


@dataclass(frozen=True)
class DiskSettings:
    """Another disk."""

    folder: Annotated[Path, Setting("a folder on that disk", example="/mnt/second/backups", writes="it")]
    marker: Annotated[str, Setting("a file in that folder that you make once; without it the disk is taken for unmounted")] = (
        ".mainstay-remote"
    )


@contextmanager
def disk(settings: DiskSettings) -> Iterator[Remote]:
    """Open the folder; Unreachable when its marker is not there."""
    if not (settings.folder / settings.marker).is_file():
        because = f"{settings.marker} is not in it"
        next = f"mount its disk; once, when it is mounted: touch {settings.folder / settings.marker}"
        raise Unreachable("this disk is not mounted", on=str(settings.folder), because=because, next=next)
    yield Disk(settings.folder)


@dataclass(frozen=True)
class Disk:
    """A folder of files. What is half written is called NAME.part."""

    root: Path

    def put(self, name: str, source: Path, sha256: str, work: Work) -> None:
        """Write beside, make durable, rename."""
        path = self.root / name
        if path.exists():
            raise Exists("this name is taken", on=str(path))
        self._make(path.parent)
        part = path.with_name(path.name + PART)
        with no_space(part, Size(source.stat().st_size)):
            with source.open("rb") as file, part.open("wb") as out:
                os.fchmod(out.fileno(), 0o600)
                hashed(chunks(file), work, out)
                out.flush()
                os.fsync(out.fileno())
                os.posix_fadvise(out.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # reading it back reads the disk
            os.rename(part, path)
        sync_folder(path.parent)

    def read(self, name: str) -> Iterator[bytes]:
        """Read it."""
        try:
            file = (self.root / name).open("rb")
        except FileNotFoundError as error:
            raise Missing("a file is not there", on=str(self.root / name)) from error
        with file:
            yield from chunks(file)

    def sha256(self, name: str, work: Work) -> str:
        """Read it."""
        return hashed(self.read(name), work)

    def list(self, prefix: str) -> Iterator[Stored]:
        """Walk the folder."""
        for folder, _, names in os.walk(self.root / prefix):
            for path in (Path(folder, name) for name in names):
                yield Stored(str(path.relative_to(self.root)), Size(path.stat().st_size))

    def delete(self, name: str) -> None:
        """Remove the file, and the folders that are empty then."""
        path = self.root / name
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self.root or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()

    def tidy(self, name: str) -> None:
        """Remove its part."""
        self.delete(name + PART)

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(folder.parent)
