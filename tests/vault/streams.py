"""Streams of a dump as plain files in a folder: the least that a Sink and a Source have to be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mainstay.vault.names import ObjectName
from mainstay.vault.store import Dump, Store, Work, unhurried


class FolderSink:
    """Writes each stream to `folder`/streams/NAME."""

    def __init__(self, folder: Path, work: Work | None = None) -> None:
        self.work, self.folder, self.streams = work or unhurried(), folder / "files", folder / "streams"
        for one in (self.folder, self.streams):
            one.mkdir(parents=True)

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """Open a stream; one that failed is forgotten."""
        path = self.streams / ObjectName(name)
        with path.open("xb") as file:
            try:
                yield file
            except BaseException:
                path.unlink()
                raise


class FolderSource:
    """Reads what a FolderSink wrote."""

    def __init__(self, folder: Path, dump: Dump, work: Work | None = None) -> None:
        self.work, self.dump, self.streams, self.folder = work or unhurried(), dump, folder / "streams", folder / "unpacked"
        self.folder.mkdir(exist_ok=True)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the streams."""
        return tuple(sorted(path.name for path in self.streams.iterdir()))

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """Open a stream."""
        with (self.streams / name).open("rb") as file:
            yield file


def dumped(store: Store, folder: Path, work: Work | None = None) -> Dump:
    """Dump into a new folder; what the dump says must survive JSON."""
    dump = store.dump(FolderSink(folder, work))
    assert json.loads(json.dumps(dump.extra)) == dump.extra
    return dump


def loaded(store: Store, folder: Path, dump: Dump, place: str, only: str = "") -> Dump:
    """Load from that folder and describe what came out."""
    store.load(FolderSource(folder, dump), place, only)
    return store.describe(place, unhurried())
