"""A major upgrade on a copy: copied, started alone, counted, upgraded, counted again, and taken away but for what was learned."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres import programs
from mainstay.kinds.postgres.rows import Identity
from mainstay.kinds.postgres.statement import looking
from mainstay.kinds.postgres.upgrade import pg_upgrade
from mainstay.kinds.postgres.upgrade.pg_upgrade import Owner
from mainstay.kinds.postgres.upgrade.rules import Cluster
from mainstay.model.codec import decode, encode
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline
from mainstay.system.files import sync_folder
from mainstay.system.process import legible

RESULT = "result.json"
_ALONE = "listen_addresses = ''\nunix_socket_directories = '{folder}'\nport = {port}\nshared_preload_libraries = '{preloaded}'\n"


@dataclass(frozen=True)
class Counted:
    """The rows of one table."""

    sql: ClassVar[str] = "row_counts"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    rows: int


@dataclass(frozen=True)
class Result:
    """What a rehearsal has shown: the versions, the tables counted before and after, and the seconds of each part."""

    old: int
    new: int
    tables: int
    rows: int
    differences: tuple[str, ...] = ()
    took: dict[str, float] = field(default_factory=dict)


def results(folder: Path) -> list[tuple[str, Result]]:
    """Return what is known of the rehearsals in a folder, the oldest first, each with its name."""
    kept = sorted(folder.glob(f"*/{RESULT}"), key=lambda path: path.stat().st_mtime)
    return [(path.parent.name, decode(Result, json.loads(path.read_text(encoding="utf-8")))) for path in kept]


class Rehearsal:
    """One rehearsal in one folder."""

    def __init__(self, session: Session, server: Identity, cluster: Cluster, folder: Path, deadline: Deadline) -> None:
        self.session, self.server, self.cluster, self.deadline = session, server, cluster, deadline
        self.runner: Owner = pg_upgrade.owner(session, cluster, folder)
        self.folder, self.old, self.new = folder, folder / "old", folder / "new"
        self.took: dict[str, float] = {}

    def perform(self) -> Result:
        """Go through all parts, and return what they have shown."""
        new: Path = self.session.target.settings.next_programs
        pg_ctl = programs.find(self.session, "pg_ctl")
        assert pg_ctl
        with self._timed("copy"):
            self._copy(Path(pg_ctl.path).parent)
        self._alone(self.old)
        with self._running(Path(pg_ctl.path).parent, self.old):
            before = self._counts(new)
        pg_upgrade.initdb(self.runner, new, self.server, self.cluster, self.new)
        self._alone(self.new)
        with self._timed("upgrade"):
            self._upgrade()
        with self._running(new, self.new):
            with self._timed("analyze"):
                self._run([str(new / "vacuumdb"), *self._where(), "--all", "--analyze-only"], "cannot analyze the new cluster")
            after = self._counts(new)
        return self._learned(pg_upgrade.version(self.runner, new)[0], before, after)

    def keep(self, result: Result) -> None:
        """Write down what was learned, and remove all else."""
        self._run(["rm", "-rf", "--", *(str(one) for one in self.folder.iterdir())], "cannot remove the copies")
        shutil.rmtree(self.runner.sockets)
        part = self.folder / f".{RESULT}"
        part.write_text(json.dumps(encode(result)), encoding="utf-8")
        part.rename(self.folder / RESULT)
        sync_folder(self.folder)

    def _copy(self, bin: Path) -> None:
        spaces = [f"--tablespace-mapping={one}={self.folder}/spaces/{number}" for number, one in enumerate(self.cluster.spaces)]
        argv = [str(bin / "pg_basebackup"), "-D", str(self.old), "--wal-method=stream", "--checkpoint=fast", "--no-sync", *spaces]
        reach = programs.reaching(self.session, "postgres")
        self._run(argv, "cannot copy the cluster", **reach)

    def _alone(self, data: Path) -> None:
        """Give a cluster a configuration in which it is reached by us alone, and reaches nobody."""
        text = _ALONE.format(folder=self.runner.sockets, port=self.cluster.port, preloaded=self.cluster.preloaded)
        for name, content in (("postgresql.conf", text), ("postgresql.auto.conf", ""), ("pg_hba.conf", "local all all trust\n")):
            (data / name).write_text(content, encoding="utf-8")
            (data / name).chmod(0o644)  # the folder above is closed to others
        (data / "standby.signal").unlink(missing_ok=True)
        (data / "pg_ident.conf").touch()

    def _upgrade(self) -> None:
        done = pg_upgrade.upgrade(self.session, self.runner, self.cluster, self.old, deadline=self.deadline.left)
        if done.code:
            said = self._last_words() or " ".join(legible(done.stdout).split())[-500:]
            raise StepFailed("pg_upgrade refused the copy", on=str(self.folder), because=said, next="run the task upgrade_check")

    def _last_words(self) -> str:
        """Return the errors in the logs of the programs that pg_upgrade calls."""
        logs = sorted(self.folder.rglob("pg_upgrade_*.log"))
        lines = [line for path in logs for line in path.read_text(errors="replace").splitlines()]
        return " | ".join(line for line in lines if "error:" in line.lower())[-600:]

    @contextmanager
    def _running(self, bin: Path, data: Path) -> Iterator[None]:
        start = [str(bin / "pg_ctl"), "-D", str(data), "-w", "-t", "3600", "-l", str(self.folder / "server.log"), "start"]
        self._run(start, "the copy does not start")
        try:
            yield
        finally:
            self._run([str(bin / "pg_ctl"), "-D", str(data), "-w", "-m", "fast", "stop"], "the copy does not stop")

    def _counts(self, bin: Path) -> dict[str, int]:
        """Count the rows of every table of every database of the copy that runs now."""
        psql = [str(bin / "psql"), *self._where(), "-XAtq", "--set=ON_ERROR_STOP=1", "-F", "\t"]
        names = self._run(
            [*psql, "-d", "postgres", "-c", "SELECT datname FROM pg_database WHERE datallowconn"], "cannot list"
        ).split("\n")
        text = " ".join(line for line in looking(Counted.sql, self.server.major).splitlines() if not line.startswith("--"))
        said = [self._run([*psql, "-d", name, "-c", text], "cannot count rows") for name in names if name]
        lines = [line.rpartition("\t") for answer in said for line in answer.splitlines()]
        return {name.replace("\t", "."): int(rows) for name, _, rows in lines}

    def _learned(self, new: int, before: dict[str, int], after: dict[str, int]) -> Result:
        names = sorted(before.keys() | after.keys())
        differences = tuple(
            f"{one}: {before.get(one)}, then {after.get(one)}" for one in names if before.get(one) != after.get(one)
        )
        return Result(self.server.major, new, len(before), sum(before.values()), differences[:20], self.took)

    def _where(self) -> list[str]:
        return ["-h", str(self.runner.sockets), "-p", str(self.cluster.port), "-U", self.cluster.installer]

    def _run(self, argv: list[str], what: str, **environment: str) -> str:
        self.session.pulse(self.deadline)
        done = self.runner.run(argv, self.deadline.left, **environment)
        return legible(done.require(what).stdout)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        began = clock.monotonic()
        self.session.progress(len(self.took), 3, "parts")
        yield
        self.took[part] = round(clock.monotonic() - began, 2)
        self.session.output.append(f"{part}: {Duration(self.took[part])}")
