"""Make one backup: dump, store, read back, and only then let it be seen."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

import mainstay
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.files import no_space, remove
from mainstay.vault import manifest as manifests
from mainstay.vault.coding import TOOL
from mainstay.vault.manifest import MANIFEST, VERSION, Damaged, Manifest, Stream, seal
from mainstay.vault.names import BackupId, ObjectName, Sha256
from mainstay.vault.objects import Coders, Reader, Writer
from mainstay.vault.repository import Repository, require_room
from mainstay.vault.store import Dump, Store, Work
from mainstay.vault.verify import read_back

_CODERS = 2  # segments that are compressed at once: each costs 60 MB with its window
_LARGE = 0.25  # share of its base's size beyond which a delta was the last one against it
_SMALL = 64 << 10  # bytes of a base below which a delta saves nothing
_OLD = timedelta(days=35)  # a base is renewed, so that a damaged one is not the end of every backup since

Sign = Callable[[Path], None]


@dataclass(frozen=True)
class Order:
    """What is to be backed up, and what the manifest says about where the order came from."""

    id: BackupId
    target: str
    run: str
    site: str = ""
    ledger_head: str = ""
    previous: BackupId | None = None


def make(repository: Repository, store: Store, order: Order, work: Work, sign: Sign = lambda _: None) -> Manifest:
    """Back up one target. A backup that cannot be finished leaves nothing behind, and no other is touched.

    `work` counts each byte of the dump when it is stored; `sign` signs the manifest's file.
    """
    previous, notes = _previous(repository, order)
    needed = _needed(store, previous)
    require_room(repository.root, needed, f"a backup of {order.target}")
    with repository.part(order.id) as part, no_space(part, needed):
        created, began = clock.now(), clock.monotonic()
        with Streams(repository, part, order, previous, work) as sink:
            dump = store.dump(sink)
        dump = replace(dump, notes=(*dump.notes, *notes, *sink.notes))
        manifest = _manifest(order, store.kind, dump, sink.streams, created)
        manifest = replace(manifest, duration=Duration(clock.monotonic() - began))
        made = sink.made
        seal(part, manifest)
        sign(part / MANIFEST)
        _require_readable(repository, manifest, made, work)
        repository.publish(part, order.id, made)
    return manifest


class Streams:
    """The sink of one backup: every stream becomes an object, or a delta against the one that it changed from."""

    def __init__(self, repository: Repository, part: Path, order: Order, previous: Manifest | None, work: Work) -> None:
        self.work, self.notes = work, list[str]()
        self._repository, self._part, self._order = repository, part, order
        self._known = {one.name: one for one in previous.streams} if previous else {}
        self._files = previous.objects if previous else {}
        self._done: dict[str, tuple[Stream, Path]] = {}
        self._coders = Coders(_CODERS)

    def __enter__(self) -> Streams:
        for name in ("objects", "spool"):
            (self._part / name).mkdir(mode=0o700)
        return self

    def __exit__(self, *_: object) -> None:
        self._coders.threads.shutdown()
        remove(self.folder)

    @property
    def folder(self) -> Path:
        """Return the folder for what has to lie in a file first."""
        return self._part / "spool"

    @property
    def streams(self) -> tuple[Stream, ...]:
        """Return what was written, by name."""
        return tuple(stream for _, (stream, _) in sorted(self._done.items()))

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """Write one stream."""
        path = self._part / "objects" / ObjectName(name)
        writer = Writer(path, self._base(name), self._coders, self.work)
        try:
            yield cast(BinaryIO, writer)
            self._done[name] = self._shared(writer.close(name, self._order.id), path), path
        except BaseException:
            writer.forget()
            raise

    @property
    def made(self) -> dict[Sha256, Path]:
        """Return the new files, by their digests; of equal ones, one."""
        return {stream.object.sha256: path for stream, path in self._done.values() if path.exists()}

    def _shared(self, stream: Stream, path: Path) -> Stream:
        """Return the stream as it is kept: what the backup before has stored is not stored again.

        The same bytes may be cut, or stand on a base, in another way: then the file is shared, and its description is not.
        """
        known = self._files.get(stream.object.sha256)
        if known is None or replace(known, made=stream.object.made) != stream.object:
            return stream
        path.unlink(missing_ok=True)
        return replace(stream, object=known)

    def _base(self, name: str) -> Reader | None:
        """Return what a stream may be a delta against: its last object that stands alone, as long as deltas stay small.

        A base that cannot be read is none, and the stream is stored whole.
        """
        known = self._known.get(ObjectName(name))
        if known is None or _outgrown(known, self._order.id):
            return None
        reader = Reader(self._repository.root, known.base or known.object)
        try:
            reader.require_unaltered(self.work)
        except Damaged as error:
            self.notes.append(f"{name}: stored whole, since its base {error.on} is damaged")
            return None
        return reader


def _outgrown(known: Stream, id: BackupId) -> bool:
    """Say whether a stream needs a new base: the last delta was large, the base is old, or there is little to gain."""
    base = known.base or known.object
    large = known.base is not None and known.object.stored_bytes > _LARGE * base.stored_bytes
    return large or base.raw_bytes < _SMALL or id.at - base.made.at > _OLD


def _previous(repository: Repository, order: Order) -> tuple[Manifest | None, tuple[str, ...]]:
    """Return the manifest of the backup before, which says what the streams can be deltas against."""
    if order.previous is None or not repository.folder(order.previous).exists():
        return None, ()
    try:
        return manifests.read(repository.folder(order.previous), order.previous)[0], ()
    except Damaged as error:
        return None, (f"stored whole, since the backup before cannot be read: {error.because}",)


def _needed(store: Store, previous: Manifest | None) -> Size:
    """Return the room that a backup needs at most: as it was coded before and half as much again; the first, as it is."""
    raw = store.estimate()
    if previous is None or not previous.raw_bytes:
        return Size(raw)
    return Size(min(raw, int(1.5 * raw * previous.stored_bytes / previous.raw_bytes)))


def _manifest(order: Order, kind: str, dump: Dump, streams: tuple[Stream, ...], created: datetime) -> Manifest:
    return Manifest(
        VERSION,
        order.id,
        order.target,
        kind,
        created,
        order.site,
        order.run,
        tools={"mainstay": mainstay.__version__, "python": platform.python_version(), "zstd": TOOL, **dump.versions},
        streams=streams,
        counts=dump.counts,
        digests=dump.digests,
        duration=Duration(0),
        previous=order.previous,
        ledger_head=order.ledger_head,
        notes=dump.notes,
        extra=dump.extra,
    )


def _require_readable(repository: Repository, manifest: Manifest, made: Mapping[Sha256, Path], work: Work) -> None:
    """Read back what is new, and see that what is not is there in its length."""
    problems = read_back(repository, manifest, made, work)
    if problems:
        raise StepFailed(
            "the backup did not read back as it was written", on=manifest.id, because=problems[0], next="check the disk"
        )
