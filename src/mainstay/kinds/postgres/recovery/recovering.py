"""One recovery: a base backup unpacked, its log laid beside it, replayed by a private server to the target, and checked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres import programs
from mainstay.kinds.postgres.recovery import base, packing, private, segments
from mainstay.kinds.postgres.recovery.base import Base, Result
from mainstay.kinds.postgres.recovery.chain import Chain, follow
from mainstay.kinds.postgres.recovery.folder import Archive
from mainstay.kinds.postgres.recovery.private import Cluster
from mainstay.kinds.postgres.recovery.segments import Place
from mainstay.kinds.postgres.recovery.taking import here, needed
from mainstay.kinds.postgres.statement import looking
from mainstay.model.errors import Refused, StepFailed
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

RECORD = "mainstay-recovery.json"
_CHUNK = 1 << 20
_NOT_REACHED = "recovery ended before configured recovery target was reached"
_WHERE = """
SELECT pg_last_xact_replay_timestamp(), pg_current_wal_lsn()::text, substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)
"""
_READY = """ready: {into}, PostgreSQL {major}, stopped; {result}
nothing was switched. To put it in the place of the live cluster:
1. stop the live server, and keep its data directory: mv DATA DATA.before
2. mv {into} DATA; look at its postgresql.conf and pg_hba.conf, which are those of the base backup (Debian keeps its own in /etc)
3. start the server; it is on timeline {timeline}: set another `archive.path`, start `mainstay wal receive`, run base_backup"""
_DATABASES = "SELECT datname::text FROM pg_database WHERE datallowconn ORDER BY 1"
_AMCHECK = "SELECT count(*) FROM pg_extension WHERE extname = 'amcheck'"


@dataclass(frozen=True)
class Order:
    """What is recovered, to where in time, and how: `setting` is "" for the end of the log, else recovery_target_SETTING."""

    base: str
    name: str
    setting: str = ""
    value: str = ""
    scratch: bool = False  # it is thrown away afterwards

    def __str__(self) -> str:
        return f"{self.setting} {self.value}" if self.setting else "the end of the log"


def recorded(into: Path) -> str:
    """Return the name of the step that has recovered what is there, "" when none has."""
    record = into / RECORD
    return str(json.loads(record.read_bytes())["name"]) if record.is_file() else ""


def ready(result: Result, into: Path) -> list[str]:
    """Tell what was recovered, and how it takes the place of the live cluster."""
    told = f"{result.rows:,} rows in {result.tables} tables; last commit {result.reached}"
    return _READY.format(into=into, major=result.major, result=told, timeline=result.timeline).split("\n")


class Recovery:
    """One recovery in one folder, which must not be there."""

    def __init__(self, session: Session, archive: Archive, order: Order, folder: Path, deadline: Deadline) -> None:
        self.session, self.archive, self.order, self.deadline = session, archive, order, deadline
        self.folder, self.data = folder, folder / "data"
        self.took: dict[str, float] = {}

    def perform(self, user: str) -> Result:
        """Go through all parts. What is missing or damaged is found before anything is written."""
        found = next((one.base for one in base.kept(self.archive)[0] if one.base.id == self.order.base), None)
        if found is None:
            raise Refused("there is no such base backup", on=self.order.base, next="mainstay run TARGET.archive")
        chain = self._chain(found)
        bin = Path(needed(here(self.session), "postgres", found.major).path)
        with self._timed("read"):
            base.check(self.archive, found)
        self.folder.mkdir(mode=0o700)
        cluster = Cluster(private.owner(self.session, user, self.folder), self.data, bin.parent, found.installer)
        with self._timed("unpack"):
            self._lay(cluster, chain)
            self._unpack(cluster, found)
        return self._reached(cluster, found, chain)

    def _chain(self, found: Base) -> Chain:
        chain = follow(self.archive.read(), found)
        if chain.missing:
            raise Refused(
                "the log has a gap", on=found.id, because=f"{chain.missing} is missing", next="recover from a newer base backup"
            )
        return chain

    def _lay(self, cluster: Cluster, chain: Chain) -> None:
        """Put the log where the server finds it, each segment read to its end; timeline histories too."""
        log, size = self.data / "pg_wal", self.archive.read().segment
        for folder in (self.data, log):
            folder.mkdir(mode=0o700)
            self._give(cluster, folder)
        for done, place in enumerate(chain.places):
            self._copy(place, size, log / segments.name_of(place, size))
            self._give(cluster, log / segments.name_of(place, size))
            self.session.progress(done, len(chain.places), "segments")
        for path in self.archive.wal.glob(f"*.history{packing.SUFFIX}"):
            with packing.unpacked(path) as file:
                (log / path.name.removesuffix(packing.SUFFIX)).write_bytes(file.read())
            self._give(cluster, log / path.name.removesuffix(packing.SUFFIX))

    def _copy(self, place: Place, size: int, to: Path) -> None:
        """Copy a segment; one that is received now may be packed meanwhile, and is found at its next place."""
        for _ in range(3):
            try:
                path = self.archive.source(place, size)
                with packing.unpacked(path) if path.suffix == packing.SUFFIX else path.open("rb") as file, to.open("wb") as out:
                    while chunk := file.read(_CHUNK):
                        self.session.pulse(self.deadline)
                        out.write(chunk)
                return
            except FileNotFoundError:
                continue
        raise Refused("the log has a gap", because=f"{to.name} is missing", next="look at the task archive")

    def _unpack(self, cluster: Cluster, found: Base) -> None:
        read, write = os.pipe()

        def feed() -> None:
            with os.fdopen(write, "wb") as out, packing.unpacked(self.archive.bases / found.id / base.TAR) as file:
                while chunk := file.read(_CHUNK):
                    out.write(chunk)

        with ThreadPoolExecutor(1) as pool:
            fed = pool.submit(feed)
            with os.fdopen(read, "rb") as stream:  # closed early by an error: then nobody feeds any more
                argv = ["tar", "-xpf", "-", "-C", str(self.data)]
                done = cluster.owner.feed(argv, self.deadline.left, stream)
            done.require("the base backup cannot be unpacked")
            fed.result()
        (self.data / "recovery.signal").touch()
        self._give(cluster, self.data / "recovery.signal")

    def _reached(self, cluster: Cluster, found: Base, chain: Chain) -> Result:
        """Replay to the target. A time after the last commit of a log that reaches beyond it is the end of that log."""
        target = {f"recovery_target_{self.order.setting}": self.order.value} if self.order.setting else {}
        try:
            return self._replayed(cluster, found, chain, target)
        except StepFailed as error:
            if self.order.setting != "time" or _NOT_REACHED not in error.because:
                raise
            return self._replayed(cluster, found, chain, {})

    def _replayed(self, cluster: Cluster, found: Base, chain: Chain, target: dict[str, str]) -> Result:
        began, quick = clock.monotonic(), {"fsync": "off"} if self.order.scratch else {}
        settings = {"recovery_target_timeline": str(chain.timeline), **quick, **target}
        with private.running(self.session, cluster, settings, self.deadline):
            self._took("replay", began)
            return self._checked(cluster, found)

    def _checked(self, cluster: Cluster, found: Base) -> Result:
        """Count every row, and let pg_amcheck read what it can."""
        with private.connected(cluster, "postgres") as connection:
            row = connection.execute(_WHERE).fetchone()
            names = [name for (name,) in connection.execute(_DATABASES)]
        assert row
        tables, rows, sound = 0, 0, []
        with self._timed("check"):
            for name in names:
                counted, has = self._counted(cluster, name, found.major)
                tables, rows = tables + len(counted), rows + sum(counted)
                if has and self._sound(cluster, name, found.major):
                    sound.append(name)
        reached: datetime | None = row[0]
        return Result(
            found.id,
            found.major,
            self.order.name,
            clock.now(),
            str(self.order),
            reached,
            row[1],
            int(row[2], 16),
            tables,
            rows,
            tuple(sound),
            self.took,
        )

    def _counted(self, cluster: Cluster, database: str, major: int) -> tuple[list[int], bool]:
        with private.connected(cluster, database) as connection:
            rows: list[tuple[Any, ...]] = connection.execute(looking("row_counts", major).encode()).fetchall()
            return [one[-1] for one in rows], connection.execute(_AMCHECK).fetchone() != (0,) or self.order.scratch

    def _sound(self, cluster: Cluster, database: str, major: int) -> bool:
        program = programs.find(here(self.session), "pg_amcheck", major)
        if program is None:
            return False
        more = ["--install-missing"] if self.order.scratch else []
        argv = [program.path, *private.reaching(cluster), *more, "--database", database]
        cluster.owner.run(argv, self.deadline.left).require(f"pg_amcheck has found damage in {database}")
        return True

    def _give(self, cluster: Cluster, path: Path) -> None:
        os.chmod(path, 0o700 if path.is_dir() else 0o600)
        if os.geteuid() == 0:
            os.chown(path, cluster.owner.uid, cluster.owner.gid)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        began = clock.monotonic()
        yield
        self._took(part, began)

    def _took(self, part: str, began: float) -> None:
        self.took[part] = round(clock.monotonic() - began, 2)
        self.session.output.append(f"{part}: {Duration(self.took[part])}")
