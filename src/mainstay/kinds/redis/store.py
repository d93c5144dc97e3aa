"""How a Redis server is backed up: the file that it writes for a replica, loaded again before it counts.

The users of the server (ACL) and its configuration are no part of that file. A restore makes a folder that a server can be
started on; a running server is only read.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mainstay.kinds.redis import scratch
from mainstay.kinds.redis.scratch import FILE
from mainstay.kinds.redis.server import Server, opened
from mainstay.kinds.redis.settings import RedisSettings
from mainstay.kinds.redis.transfer import snapshot
from mainstay.model.errors import ConfigError, Refused, StepFailed
from mainstay.model.units import Size
from mainstay.system import host
from mainstay.system.files import sync_folder
from mainstay.system.process import Door
from mainstay.vault.manifest import Damaged
from mainstay.vault.restore import rename_new
from mainstay.vault.store import Dump, Sink, Source, Store, Work

_CHUNK = 1 << 20
_USERS = "users (ACL) and configuration are no part of a dump: back up redis.conf and the ACL file as a target of the kind files"


@dataclass(frozen=True)
class RedisStore:
    """The store of one server. A place is a folder that holds dump.rdb, as a server's `dir` does."""

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
            owner = _owner(self._folder(server))
        held = self.describe(str(sink.folder), sink.work)
        (sink.folder / FILE).unlink(missing_ok=True)
        return replace(held, versions={"redis": version, **held.versions}, notes=(*held.notes, _USERS), extra=owner)

    def beside(self, name: str) -> str:
        """Return a folder of that name beside the server's own, or where the setting `restores` says."""
        if self.settings.restores:
            return str(self.settings.restores / name)
        with opened(self.settings) as server:
            folder = self._folder(server)
        if folder is None:
            raise ConfigError(f"{self.name}: the server's folder is not on this host", next="set `restores`")
        return str(folder.parent / name)

    def exists(self, place: str) -> bool:
        """Tell whether there is a folder or file of that name."""
        return os.path.lexists(place)

    def load(self, source: Source, place: str, only: str = "") -> None:
        """Make the folder with dump.rdb in it, as root with the owner of the server's."""
        if only:
            raise Refused("a part of a Redis server cannot be restored", on=only, because="its dump is one file")
        if source.names != (FILE,):
            raise Damaged("the dump is not one of Redis", on=place, because=f"it holds {', '.join(source.names) or 'nothing'}")
        folder = Path(place)
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
            return Dump(notes=("not loaded: `scratch_server` is empty",))
        return scratch.measure(Path(place), self.settings.scratch_server, self.door, work)

    def rename(self, place: str, new: str) -> None:
        """Give the folder its name."""
        rename_new(Path(place), Path(new))

    def remove(self, place: str) -> None:
        """Remove a folder that a restore made: one that holds no more than a restore puts there."""
        if not os.path.lexists(place):
            return
        if strange := sorted(set(os.listdir(place)) - {FILE, scratch.SOCKET}):
            raise Refused("this is no folder that a restore made", on=place, because=f"it holds {strange[0]}")
        shutil.rmtree(place)

    @contextmanager
    def scratch(self, folder: Path, work: Work) -> Iterator[tuple[Store, str]]:
        """A folder is isolated enough: the server that reads it is private anyway."""
        if not self.settings.scratch_server:
            raise Refused("this backup cannot be proven", on=self.name, because="`scratch_server` is empty", next="set it")
        yield self, str(folder / "copy")

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
        scratch.require(self.settings.scratch_server, self.door)
        needed, seen = Size(server.information("memory")["used_memory"]), host.memory()
        if (free := Size(seen.total - seen.used)) < needed:
            next = "make room, or set `scratch_server: ''`: backups are then readable, but never proven"
            raise StepFailed("no memory to load the dump", on=self.name, because=f"needs {needed}, {free} are free", next=next)

    def _folder(self, server: Server) -> Path | None:
        """Return the server's own folder; None when it is not on this host, or may not be asked for."""
        folder = server.setting("dir")
        return Path(folder) if folder and not self.door.place.container and Path(folder).is_dir() else None


def _owner(folder: Path | None) -> dict[str, int]:
    """Return whose the server's folder is."""
    if folder is None:
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
