"""How a SQLite database is backed up: one snapshot, counted and digested from the very file that is stored."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mainstay.kinds.sqlite.content import measure
from mainstay.kinds.sqlite.copying import AS_IS, copy_into
from mainstay.kinds.sqlite.database import attended, open_database, scalar
from mainstay.kinds.sqlite.holders import alone
from mainstay.kinds.sqlite.integrity import check_pages
from mainstay.model.errors import Refused, Unreachable
from mainstay.model.target import Target
from mainstay.model.units import Duration, Size
from mainstay.system.files import exchange, remove
from mainstay.vault.manifest import Damaged
from mainstay.vault.repository import require_room
from mainstay.vault.store import Dump, Sink, Source, Work
from mainstay.vault.swap import SwappablePath

_DATABASE, _OWNER = "database.sqlite", "owner.json"
_ROW = 100_000  # bytes
_WEAR = """
CREATE TABLE "mainstay wear" AS
  WITH RECURSIVE row(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row WHERE n < {rows}) SELECT zeroblob({row}) AS waste FROM row;
DROP TABLE "mainstay wear";
"""
_LOGGED, _PLAIN = "PRAGMA journal_mode = WAL", "PRAGMA journal_mode = DELETE"


@dataclass(frozen=True)
class SqliteStore(SwappablePath):
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
            logged = connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
        stat = self.path.stat()
        owner = {"mode": stat.st_mode & 0o777, "uid": stat.st_uid, "gid": stat.st_gid, "wal": logged}
        described = self.describe(str(copy), work)
        with copy.open("rb") as file, sink.stream(_DATABASE) as out:
            shutil.copyfileobj(file, out, 1 << 20)
        with sink.stream(_OWNER) as out:
            out.write(json.dumps(owner).encode())
        copy.unlink()
        return described

    def load(self, source: Source, place: str, only: str = "") -> None:
        """Write the database as a new file with its mode and its kind of journal, and as root with its owner."""
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
        if owner.get("wal"):
            self._set_journal(Path(place), _LOGGED)

    def rename(self, place: str, new: str) -> None:
        """Give what was loaded its name; Refused beside a log that was left by a database which is gone."""
        _require_no_log(self._at(new), next="it is of a database that is gone: move it away, then again")
        super().rename(place, new)

    def remove(self, place: str) -> None:
        """Remove what a restore made, with the log or journal that a kill has left beside it."""
        for path in (self._at(place), *_logs(self._at(place))):
            remove(path)

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

    def newer(self, dump: Dump, work: Work) -> dict[str, int]:
        """Return by how many rows each table differs; 1 where only content does."""
        with open_database(self.path, self.busy_timeout) as connection:
            counts, digests = attended(connection, lambda: measure(connection), work.pulse)
        found = {name: abs(counts.get(name, 0) - dump.counts.get(name, 0)) for name in {**counts, **dump.counts}}
        return {name: by or 1 for name, by in sorted(found.items()) if digests.get(name) != dump.digests.get(name)}

    @contextmanager
    def apart(self, folder: Path, dump: Dump, work: Work) -> Iterator[tuple[SqliteStore, str]]:
        """Load into the private folder itself."""
        yield self, str(folder / "copy")

    def wear(self, place: str, work: Work) -> None:
        """Leave as many unused pages in a copy as it has others."""
        with open_database(Path(place), Duration(0)) as connection:
            bytes = scalar(connection, "PRAGMA page_count") * scalar(connection, "PRAGMA page_size")
            attended(connection, lambda: connection.executescript(_WEAR.format(rows=max(1, bytes // _ROW), row=_ROW)), work.pulse)

    def target_at(self, place: str, live: Target) -> Target:
        """Return a copy as a target."""
        return replace(live, settings=replace(live.settings, path=Path(place)), privilege="user")

    @contextmanager
    def closed(self, copy: Path, work: Work) -> Iterator[None]:
        """Be alone with both files while they change names; one who wants in meanwhile waits, and gets what was live before.

        A log or journal goes by the name, and would be taken for that of the other file: meanwhile there are none.
        """
        with alone(self.path), alone(copy):
            pass  # before anything is written to them
        was = {path: self._without_log(path) for path in (self.path, copy)}
        mode = _LOGGED if "wal" in was.values() else _PLAIN
        try:
            self._set_journal(copy, mode)  # the new file is used as the old one was
            _require_no_log(self.path, copy)
            with alone(self.path) as waited_for, alone(copy):
                yield
                if waited_for():
                    exchange(self.path, copy)
                    because, next = "somebody has just opened it", "stop the application"
                    raise Refused("the database is in use", on=str(self.path), because=because, next=next)
        except Refused:
            with suppress(Unreachable):  # an application that has it open says itself which mode it wants
                self._set_journal(self.path, mode)
            raise

    def _without_log(self, path: Path) -> str:
        """Take over what an application left in a log or journal, remove that, and return the journal mode that was kept."""
        with open_database(path, self.busy_timeout) as connection:
            scalar(connection, "SELECT count(*) FROM sqlite_master")  # a journal that a crash left is rolled back by a reader
            was: str = connection.execute("PRAGMA journal_mode").fetchone()[0]
            version = scalar(connection, "PRAGMA user_version")
            connection.execute(_PLAIN)
            connection.execute(f"PRAGMA user_version = {version}")  # a journal that is stale goes with the next change
        return was

    def _set_journal(self, path: Path, mode: str) -> None:
        with open_database(path, self.busy_timeout) as connection:
            connection.execute(mode)


def _logs(path: Path) -> list[Path]:
    return [path.with_name(path.name + end) for end in ("-wal", "-shm", "-journal")]


def _require_no_log(*paths: Path, next: str = "stop the application, then open the database once") -> None:
    for log in (log for path in paths for log in _logs(path)):
        if log.exists():
            raise Refused("the database has a log of its own", on=str(log), because="it would be taken for another's", next=next)
