"""The two sides of a dump as plain files in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from mainstay.vault.names import ObjectName
from mainstay.vault.store import Dump, Work, unhurried


@dataclass
class FolderSink:
    """Streams become files of `at`."""

    at: Path
    work: Work = field(default_factory=unhurried)

    def __post_init__(self) -> None:
        self.at.mkdir()

    @property
    def folder(self) -> Path:
        """Return a private folder."""
        private = self.at.with_name(f"{self.at.name}.private")
        private.mkdir(exist_ok=True)
        return private

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """Open a file; an error forgets it."""
        path = self.at / ObjectName(name)
        try:
            with path.open("xb") as out:
                yield out
        except BaseException:
            path.unlink()
            raise


@dataclass
class FolderSource:
    """The files of a folder as streams."""

    at: Path
    dump: Dump
    work: Work = field(default_factory=unhurried)

    @property
    def folder(self) -> Path:
        """Return a private folder."""
        private = self.at.with_name(f"{self.at.name}.unpacked")
        private.mkdir(exist_ok=True)
        return private

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names."""
        return tuple(sorted(path.name for path in self.at.iterdir()))

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """Open a file."""
        with (self.at / ObjectName(name)).open("rb") as file:
            yield file
