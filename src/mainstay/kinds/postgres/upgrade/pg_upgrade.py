"""pg_upgrade and what it needs: programs of both versions, a new cluster made like the old one, and the owner of its files."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres import programs
from mainstay.kinds.postgres.rows import Identity
from mainstay.kinds.postgres.upgrade.rules import Cluster, Tried
from mainstay.model.errors import DeadlinePassed, StepFailed, Unreachable
from mainstay.model.units import Duration
from mainstay.system.process import Completed, Door, legible

_MOST = Duration(600)
_ASK = Duration(15)


@dataclass(frozen=True)
class Owner:
    """Runs programs as the user whose files the cluster is made of, in a folder of its own that others cannot enter."""

    door: Door
    uid: int
    gid: int
    folder: Path

    @property
    def sockets(self) -> Path:
        """Return where its servers are reached: see `sockets`."""
        return sockets(self.folder)

    def run(self, argv: list[str], deadline: Duration, **environment: str) -> Completed:
        """Run a program there."""
        return self._door.run([*self._who, *argv], deadline, env=environment)

    def feed(self, argv: list[str], deadline: Duration, stdin: IO[bytes]) -> Completed:
        """Run a program there that reads what a stream holds."""
        return self._door.run([*self._who, *argv], deadline, stdin=stdin)

    @property
    def _door(self) -> Door:
        return replace(self.door, cwd=self.folder)

    @property
    def _who(self) -> list[str]:
        other = self.uid != os.geteuid()
        return ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"] if other else []


def check(session: Session, server: Identity, cluster: Cluster) -> Tried:
    """Run `pg_upgrade --check` against the running server, which it only reads; say why not where it cannot be run."""
    new: Path | None = session.target.settings.next_programs
    if why_not := impossible(session, cluster):
        return Tried(not_run=why_not)
    assert new
    with _scratch(session, cluster) as runner:
        try:
            major, minor = version(runner, new)
            initdb(runner, new, server, cluster, runner.folder / "new")
            done = upgrade(session, runner, cluster, Path(cluster.folder), "--check")
        except (StepFailed, Unreachable, DeadlinePassed) as error:
            return Tried(not_run=f"{error.what}: {error.because}")
        problems = _problems(legible(done.stdout), runner.folder) if done.code else ()
        return Tried(major, minor, problems, took=done.took)


def owner(session: Session, cluster: Cluster, folder: Path) -> Owner:
    """Hand a folder, and the place of its sockets, to the user who owns the cluster."""
    files = Path(cluster.folder).stat()
    sockets(folder).mkdir(mode=0o700)
    if os.geteuid() == 0:
        for one in (folder, sockets(folder)):
            os.chown(one, files.st_uid, files.st_gid)
    return Owner(session.door, files.st_uid, files.st_gid, folder)


def sockets(folder: Path) -> Path:
    """Name the place of the sockets that belong to a folder: its path is short, since that of a socket ends at 107 bytes."""
    return Path("/tmp", f"mainstay-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}")


def version(runner: Owner, programs: Path) -> tuple[int, int]:
    """Return the major and the minor version of programs."""
    said = legible(runner.run([str(programs / "pg_upgrade"), "--version"], _ASK).require("cannot run pg_upgrade").stdout)
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None:
        raise StepFailed("pg_upgrade does not say its version", on=str(programs), because=said[:80])
    return int(found.group(1)), int(found.group(2))


def initdb(runner: Owner, new: Path, server: Identity, cluster: Cluster, folder: Path) -> None:
    """Make an empty cluster of the new version that is made like the old one."""
    alike = [
        f"--username={cluster.installer}",
        f"--encoding={cluster.encoding}",
        f"--lc-collate={cluster.collate}",
        f"--lc-ctype={cluster.ctype}",
        f"--wal-segsize={cluster.segment // 2**20}",
        *_provider(cluster),
        *_checksums(server, version(runner, new)[0]),
    ]
    argv = [str(new / "initdb"), "--auth=trust", "--no-sync", *alike, "-D", str(folder)]
    runner.run(argv, _MOST).require("cannot make a cluster of the new version")


def _provider(cluster: Cluster) -> list[str]:
    named = {"i": ["--locale-provider=icu", f"--icu-locale={cluster.locale}"]}
    return {**named, "b": ["--locale-provider=builtin", f"--builtin-locale={cluster.locale}"]}.get(cluster.provider, [])


def _checksums(server: Identity, new: int) -> list[str]:
    if server.checksums:
        return ["--data-checksums"]
    return ["--no-data-checksums"] if new >= 18 else []


def impossible(session: Session, cluster: Cluster) -> str:
    """Say why pg_upgrade cannot be run from here, "" when it can."""
    if session.target.settings.next_programs is None:
        return "`next_programs` names no newer programs"
    if session.door.place.container:
        return "the server runs in a container: upgrade its image, see the how-to"
    if not cluster.folder:
        return "this role may not see where the cluster is: pg_monitor"
    try:
        files = Path(cluster.folder, "PG_VERSION").stat()
    except OSError as error:
        return f"the files of the cluster are not here: {cluster.folder}: {error.strerror}"
    if os.geteuid() not in (0, files.st_uid):
        return "the files of the cluster belong to another user: run it as root or as that user"
    if programs.find(session, "pg_ctl") is None:
        return "the programs of the running version are not here: set `programs`"
    return ""


def upgrade(session: Session, runner: Owner, cluster: Cluster, old: Path, *more: str, deadline: Duration = _MOST) -> Completed:
    """Run pg_upgrade from a cluster to the empty one that `initdb` made in the same folder."""
    running, new = programs.find(session, "pg_ctl"), session.target.settings.next_programs
    assert running
    places = ["-b", str(Path(running.path).parent), "-B", str(new), "-d", str(old), "-D", str(runner.folder / "new")]
    whose = ["-U", cluster.installer, "-p", str(cluster.port), "--socketdir", str(runner.sockets)]
    return runner.run([str(new / "pg_upgrade"), *places, *whose, *more], deadline)


@contextmanager
def _scratch(session: Session, cluster: Cluster) -> Iterator[Owner]:
    with tempfile.TemporaryDirectory(prefix="mainstay-upgrade-") as folder:
        try:
            yield owner(session, cluster, Path(folder))
        finally:
            if sockets(Path(folder)).exists():
                shutil.rmtree(sockets(Path(folder)))


def _problems(said: str, folder: Path) -> tuple[str, ...]:
    """Return the checks that failed, and the lists that pg_upgrade has written about them."""
    failed = [line.rsplit(maxsplit=1)[0].strip() for line in said.splitlines() if line.rstrip().endswith(("fatal", "failed"))]
    listed = [" ".join(path.read_text(errors="replace").split())[:500] for path in sorted(folder.rglob("*.txt"))]
    return (*failed, *listed) or (" ".join(said.split())[-500:],)
