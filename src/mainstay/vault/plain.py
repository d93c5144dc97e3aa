"""A dump as it is: each stream a file of its name, in one private folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from mainstay.vault.names import ObjectName
from mainstay.vault.store import Dump, Work


@dataclass
class PlainFolder:
    """Sink and source in one: what was dumped into it can be loaded from it."""

    root: Path
    work: Work
    dump: Dump = field(default_factory=Dump)

    @property
    def folder(self) -> Path:
        """Return the folder for other files."""
        (place := self.root / "spool").mkdir(mode=0o700, exist_ok=True)
        return place

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the streams, sorted."""
        return tuple(sorted(path.name for path in self.streams.iterdir()))

    @property
    def streams(self) -> Path:
        """Return where the streams lie."""
        (place := self.root / "streams").mkdir(mode=0o700, exist_ok=True)
        return place

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """Open the file of a stream: to be written where there is none yet, else to be read."""
        path = self.streams / ObjectName(name)
        if path.exists():
            with path.open("rb") as file:
                yield file
            return
        try:
            with path.open("xb") as file:
                yield file
        except BaseException:
            path.unlink(missing_ok=True)
            raise
