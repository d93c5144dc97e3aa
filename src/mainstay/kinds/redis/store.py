"""How a Redis server is backed up: the file that it writes for a replica, loaded again before it counts.

The users of the server (ACL) and its configuration are no part of that file. A restore makes a folder that a server can be
started on; a running server is only read.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from mainstay.kinds.redis.scratch import FILE, measure, require
from mainstay.kinds.redis.server import Server, opened
from mainstay.kinds.redis.settings import RedisSettings
from mainstay.kinds.redis.transfer import snapshot
from mainstay.model.errors import Refused, StepFailed
from mainstay.model.units import Size
from mainstay.system import host
from mainstay.system.files import sync_folder
from mainstay.system.process import Door
from mainstay.vault.manifest import Damaged
from mainstay.vault.paths import PathStore
from mainstay.vault.store import Dump, Sink, Source, Work

_CHUNK = 1 << 20
_USERS = "users (ACL) and configuration are no part of a dump: back up redis.conf and the ACL file as a target of the kind files"


@dataclass(frozen=True)
class RedisStore(PathStore):
    """The store of one server. A place is a folder that holds dump.rdb, as the server's own at `path` does."""

    path: Path
    name: str
    settings: RedisSettings
    door: Door

    @property
    def kind(self) -> str:
        """Return the name of this kind."""
        return "redis"

    def estimate(self) -> int:
        """Return the bytes of the data in memory, twice: while it is loaded, the file lies in the folder too."""
        with opened(self.settings) as server:
            return 2 * int(server.information("memory")["used_memory_dataset"])

    def dump(self, sink: Sink) -> Dump:
        """Let the server write its data, then count and digest them by loading that very file."""
        with opened(self.settings) as server:
            self._require_scratch(server)
            version = str(server.information("server")["redis_version"])
            self._copy(server, sink)
        held = self.describe(str(sink.folder), sink.work)
        (sink.folder / FILE).unlink(missing_ok=True)
        return replace(held, versions={"redis": version, **held.versions}, notes=(*held.notes, _USERS), extra=_owner(self.path))

    def load(self, source: Source, place: str, only: str = "") -> None:
        """Make the folder with dump.rdb in it, as root with the owner of the server's."""
        if only:
            raise Refused("a part of a Redis server cannot be restored", on=only, because="its dump is one file")
        if source.names != (FILE,):
            raise Damaged("the dump is not one of Redis", on=place, because=f"it holds {', '.join(source.names) or 'nothing'}")
        folder = self._at(place)
        folder.mkdir(mode=0o700)
        with source.stream(FILE) as stream, (folder / FILE).open("xb") as file:
            while piece := stream.read(_CHUNK):
                source.work.pulse()
                file.write(piece)
            file.flush()
            os.fchmod(file.fileno(), 0o640)
            os.fsync(file.fileno())
        _dress(folder, source.dump)

    def describe(self, place: str, work: Work) -> Dump:
        """Load dump.rdb into a private server; without one, nothing is known of it."""
        if not self.settings.scratch_server:
            return Dump(notes=("it was not loaded, since `scratch_server` is empty",))
        return measure(self._at(place), self.settings.scratch_server, self.door, work)

    def _copy(self, server: Server, sink: Sink) -> None:
        """Write the stream, and for the scratch server the file."""
        with ExitStack() as files:
            outs = [files.enter_context(sink.stream(FILE))]
            if self.settings.scratch_server:
                outs.append(files.enter_context((sink.folder / FILE).open("xb")))
            for piece in snapshot(server, sink.work):
                for out in outs:
                    out.write(piece)

    def _require_scratch(self, server: Server) -> None:
        """Refuse before anything is copied what could not be loaded here."""
        if not self.settings.scratch_server:
            return
        require(self.settings.scratch_server, self.door)
        needed, seen = Size(server.information("memory")["used_memory"]), host.memory()
        if (free := Size(seen.total - seen.used)) < needed:
            next = "make room, or set `scratch_server: ''`: backups are then readable, but never proven"
            raise StepFailed("no memory to load the dump", on=self.name, because=f"needs {needed}, {free} are free", next=next)


def _owner(folder: Path) -> dict[str, int]:
    """Return whose the server's folder is, where it is on this host."""
    if not folder.is_dir():
        return {}
    seen = folder.stat()
    return {"uid": seen.st_uid, "gid": seen.st_gid}


def _dress(folder: Path, dump: Dump) -> None:
    """Give folder and file their owner, where that is known and we may."""
    uid, gid = dump.extra.get("uid"), dump.extra.get("gid")
    if os.geteuid() == 0 and isinstance(uid, int) and isinstance(gid, int):
        for path in (folder / FILE, folder):
            os.chown(path, uid, gid)
    sync_folder(folder)
