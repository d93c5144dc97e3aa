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
from mainstay.model.units import Duration
from mainstay.vault.manifest import Damaged
from mainstay.vault.store import Dump, Pulse

_DATABASE, _OWNER = "database.sqlite", "owner.json"


@dataclass(frozen=True)
class SqliteStore:
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

    def dump(self, into: Path, pulse: Pulse) -> Dump:
        """Copy one snapshot, and read that copy for everything the manifest says."""
        with open_database(self.path, self.busy_timeout) as connection:
            copy_into(connection, into / _DATABASE, pulse)
        stat = self.path.stat()
        owner = {"mode": stat.st_mode & 0o777, "uid": stat.st_uid, "gid": stat.st_gid}
        (into / _OWNER).write_text(json.dumps(owner), encoding="ascii")
        return self.describe(into / _DATABASE, pulse)

    def load(self, source: Path, into: Path, pulse: Pulse) -> None:
        """Write the database as a new file with its mode, and as root with its owner."""
        pulse()
        try:
            owner = json.loads((source / _OWNER).read_bytes())
            mode, uid, gid = int(owner["mode"]) & 0o777, int(owner["uid"]), int(owner["gid"])
            with (source / _DATABASE).open("rb") as old, into.open("xb") as new:
                shutil.copyfileobj(old, new, 1 << 20)
                os.fchmod(new.fileno(), mode)
                if os.geteuid() == 0:
                    os.fchown(new.fileno(), uid, gid)
                new.flush()
                os.fsync(new.fileno())
        except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
            raise Damaged("the dump is not one of a SQLite database", on=str(source), because=str(error)) from error

    def describe(self, at: Path, pulse: Pulse) -> Dump:
        """Check every page, then count and digest every table."""
        try:
            with open_database(at, Duration(0), AS_IS) as connection:
                problems = attended(connection, lambda: check_pages(connection), pulse)
                if problems:
                    raise Damaged("the copy is not sound", on=str(at), because=problems[0], next="run the task integrity")
                counts, digests = attended(connection, lambda: measure(connection), pulse)
                extra = {"user_version": scalar(connection, "PRAGMA user_version")}
        except Unreachable as error:
            raise Damaged(error.what, on=error.on, because=error.because) from error
        return Dump(counts, digests, {"sqlite": sqlite3.sqlite_version}, extra=extra)
