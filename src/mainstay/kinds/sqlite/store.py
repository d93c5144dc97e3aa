"""How a SQLite database is backed up: one snapshot, counted and digested from the very file that is stored."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from mainstay.kinds.sqlite.content import measure
from mainstay.kinds.sqlite.copying import AS_IS, copy_into
from mainstay.kinds.sqlite.database import attended, open_database, scalar
from mainstay.kinds.sqlite.integrity import check_pages
from mainstay.model.errors import Unreachable
from mainstay.model.units import Duration, Size
from mainstay.vault.manifest import Damaged
from mainstay.vault.paths import PathStore
from mainstay.vault.repository import require_room
from mainstay.vault.store import Dump, Sink, Source, Work

_DATABASE, _OWNER = "database.sqlite", "owner.json"


@dataclass(frozen=True)
class SqliteStore(PathStore):
    """The store of one database file."""

    path: Path
    busy_timeout: Duration = Duration(5)

    @property
    def kind(self) -> str:
        """Return the name of this kind."""
        return "sqlite"

    def estimate(self) -> int:
        """Return the bytes of the pages in use."""
        with open_database(self.path, self.busy_timeout) as connection:
            pages = scalar(connection, "PRAGMA page_count") - scalar(connection, "PRAGMA freelist_count")
            return pages * scalar(connection, "PRAGMA page_size")

    def dump(self, sink: Sink) -> Dump:
        """Copy one snapshot, and read that copy for everything the manifest says."""
        copy, work = sink.folder / _DATABASE, sink.work
        require_room(sink.folder, Size(self.estimate()), f"a snapshot of {self.path}")
        with open_database(self.path, self.busy_timeout) as connection:
            copy_into(connection, copy, work.pulse)
        stat = self.path.stat()
        owner = {"mode": stat.st_mode & 0o777, "uid": stat.st_uid, "gid": stat.st_gid}
        described = self.describe(str(copy), work)
        with copy.open("rb") as file, sink.stream(_DATABASE) as out:
            shutil.copyfileobj(file, out, 1 << 20)
        with sink.stream(_OWNER) as out:
            out.write(json.dumps(owner).encode())
        copy.unlink()
        return described

    def load(self, source: Source, place: str, only: str = "") -> None:
        """Write the database as a new file with its mode, and as root with its owner."""
        source.work.pulse()
        if not {_DATABASE, _OWNER} <= set(source.names):
            raise Damaged("the dump is not one of a SQLite database", on=place, because=f"it holds {', '.join(source.names)}")
        try:
            with source.stream(_OWNER) as file:
                owner = json.loads(file.read())
            mode, uid, gid = int(owner["mode"]) & 0o777, int(owner["uid"]), int(owner["gid"])
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged("the dump is not one of a SQLite database", on=place, because=str(error)) from error
        with source.stream(_DATABASE) as old, Path(place).open("xb") as new:
            shutil.copyfileobj(old, new, 1 << 20)
            os.fchmod(new.fileno(), mode)
            if os.geteuid() == 0:
                os.fchown(new.fileno(), uid, gid)
            new.flush()
            os.fsync(new.fileno())

    def describe(self, place: str, work: Work) -> Dump:
        """Check every page, then count and digest every table."""
        path = Path(place)
        try:
            with open_database(path, Duration(0), AS_IS) as connection:
                problems = attended(connection, lambda: check_pages(connection), work.pulse)
                if problems:
                    raise Damaged("the copy is not sound", on=place, because=problems[0], next="run the task integrity")
                counts, digests = attended(connection, lambda: measure(connection), work.pulse)
                extra = {"user_version": scalar(connection, "PRAGMA user_version")}
        except Unreachable as error:
            raise Damaged(error.what, on=error.on, because=error.because) from error
        return Dump(counts, digests, {"sqlite": sqlite3.sqlite_version}, extra=extra)
