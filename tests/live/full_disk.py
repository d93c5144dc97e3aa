"""Disks that are full in the middle of the work: what was told, and whether what was there before is whole."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mainstay.engine.run import Launch
from mainstay.kinds.sqlite.store import SqliteStore
from mainstay.model.errors import MainstayError
from mainstay.model.run import Status
from mainstay.vault import catalogue
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.repository import Repository, create_repository
from mainstay.vault.restore import Request, prove, restore
from mainstay.vault.store import Dump, Sink, Work, unhurried
from mainstay.vault.verify import verify
from tests.engine.shop import Shop
from tests.kinds.logs.conftest import LINE, joined

LINES = b"".join(LINE % number for number in range(8000))
PAGE = 4096
COMMAND = Path(sys.executable).with_name("mainstay")
OLD, NEW = BackupId("20261120T020000Z.db.run-1"), BackupId("20261121T020000Z.db.run-2")


@dataclass(frozen=True)
class Outcome:
    """What came of a full disk: "" in `told` when there was enough room after all."""

    told: str
    intact: bool

    @property
    def explained(self) -> bool:
        """Whether file, needed and free bytes are named."""
        return bool(re.search(r"\(.*/.+\): .*needs (about |up to )?[\d.]+ k?M?G?B, [\d.]+ k?M?G?B .*free", self.told, re.DOTALL))


@contextmanager
def disk(folder: Path, options: str) -> Iterator[Path]:
    """Mount a tmpfs."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@contextmanager
def ext4(folder: Path, size: str) -> Iterator[Path]:
    """Mount an ext4 of its own, which can cut a file at its head."""
    folder.mkdir()
    image = folder.with_suffix(".image")
    subprocess.run(["truncate", "-s", size, image], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-b", str(PAGE), image], check=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(folder: Path, leave: int = 0) -> None:
    """Take all the room but `leave` bytes."""
    ballast = folder / "ballast"
    subprocess.run(["dd", "if=/dev/zero", f"of={ballast}", "bs=64k"], stderr=subprocess.DEVNULL, check=False)
    with ballast.open("ab") as file:
        file.truncate(ballast.stat().st_size - leave)


def in_a_run(folder: Path, leave: int) -> tuple[Outcome, bool]:
    """Fill the disk of the journal in the second of three tasks; return what came of it, and whether `resume` converged later."""
    with disk(folder / "state", "size=1m,mode=700"):
        shop = _three_changes(folder, leave)
        told, whole = _mainstay(folder, "run", "daily", "--yes"), not _mainstay(folder, "ledger", "verify")
        (folder / "state" / "ballast").unlink(missing_ok=True)
        _mainstay(folder, "resume", "last")
        # a third task that could not be started is told as failed; whatever was done is done once, and the gate is lifted
        once = shop.effects in (["gate", "first", "second", *third, "ungate"] for third in (["third"], []))
        settled = _mainstay(folder, "resume", "last").startswith("error: the run is settled")
        return Outcome(told, whole), once and settled and not _mainstay(folder, "ledger", "verify")


def _three_changes(folder: Path, leave: int) -> Shop:
    shop, ballast = Shop(folder), folder / "state" / "ballast"
    for name in ("gate", "first", "third"):
        shop.change(name)
    greedy = f"echo second >> $LOG; dd if=/dev/zero of={ballast} bs=4k 2>/dev/null; truncate -s -{leave} {ballast}"
    holds, undo = shop.script("grep -qx second $LOG"), shop.script("echo unsecond >> $LOG")
    shop.command("second", greedy, done=holds, undo=undo, impact="downtime")
    shop.routines = {"daily": {"around": ["gate.hold"], "tasks": ["first.run", "second.run", "third.run"]}}
    shop.open()
    return shop


def _mainstay(folder: Path, *argv: str) -> str:
    """Call the command, and return what it says about an error."""
    done = subprocess.run([COMMAND, "-c", folder / "mainstay.yaml", *argv], capture_output=True, text=True, timeout=60)
    return done.stderr or (f"exit {done.returncode}" if done.returncode else "")


def in_a_rotation(folder: Path, what: str) -> Outcome:
    """Fill the disk of the logs before a task of theirs: no inode for `rotate`, no byte for `compress` and for `cut`."""
    mounted = ext4(folder / "logs", "4m") if what == "cut" else disk(folder / "logs", "size=1m,nr_inodes=20,mode=755")
    with mounted as logs:
        (logs / "app.log").write_bytes(LINES)
        shop = Shop(folder)
        shop.targets["logs"] = {"kind": "logs", "paths": [f"{logs}/*.log"], "size": 1, "delay": 0, "append_only": what == "cut"}
        shop.command("full", f"cat /dev/zero > {logs}/ballast; {_MANY_FILES if what == 'rotate' else 'true'}", neutral=True)
        care = {"rotate": ["full.run", "logs.rotate"], "compress": ["logs.rotate", "full.run", "logs.compress"]}
        shop.routines = {"daily": {"tasks": care.get(what, care["rotate"])}}
        record = shop.open().run("daily", Launch(by="ann"))
        failed = next((task.because for task in record.tasks if task.status is Status.FAILED), "")
        return Outcome(failed, joined(logs) == LINES and not [*logs.glob(".*")])


_MANY_FILES = "cd $(dirname $LOG)/logs && touch $(seq 30) 2>/dev/null; true"


class Crowded(SqliteStore):
    """A database on whose backup disk somebody else takes the room, in the middle of the dump."""

    def dump(self, sink: Sink) -> Dump:
        fill(sink.folder.parents[2], leave=100 * PAGE)
        return super().dump(sink)


def in_a_backup(folder: Path, beat: int) -> Outcome:
    """Fill the disk of the repository at the `beat`-th piece of a backup, 0 for its dump; the backup before must stay whole."""
    _database(folder / "app.db")
    with disk(folder / "disk", "size=32m,mode=700") as small:
        repository, store = create_repository(small / "repo"), SqliteStore(folder / "app.db")
        make(repository, store, Order(OLD, "db", "run-1"), unhurried())
        order = Order(NEW, "db", "run-2", previous=OLD)
        return _crowded(
            repository, beat, fill, lambda work: make(repository, store if beat else Crowded(store.path), order, work)
        )


ACTS: dict[str, Callable[[Repository, SqliteStore, Work], object]] = {
    "backup": lambda repository, store, work: make(repository, store, Order(NEW, "db", "run-2", previous=OLD), work),
    "prove": lambda repository, store, work: prove(repository, OLD, store, "again", work),
    "restore": lambda repository, store, work: restore(
        repository, store, Request(OLD, str(repository.root.parent / "copy")), work
    ),
}


def exhaust(folder: Path, leave: int = 0) -> None:
    """Take all the inodes but `leave`."""
    made = 0
    with suppress(OSError):
        for made in range(100_000):
            (folder / f"file-{made}").touch()
    for number in range(made - leave, made):
        (folder / f"file-{number}").unlink()


def in_the_vault(folder: Path, act: str, beat: int, leave: int | None) -> Outcome:
    """Take all bytes of the disk (`leave` is None), or all inodes but `leave`, at the `beat`-th piece of an act."""
    _database(folder / "app.db")
    with disk(folder / "disk", "size=32m,nr_inodes=400,mode=700") as small:
        repository, store = create_repository(small / "repo"), SqliteStore(folder / "app.db")
        make(repository, store, Order(OLD, "db", "run-1"), unhurried())
        with closing(sqlite3.connect(store.path, isolation_level=None)) as app:
            app.execute("UPDATE orders SET note = randomblob(200)")
        crowd = fill if leave is None else partial(exhaust, leave=leave)
        outcome = _crowded(repository, beat, crowd, lambda work: ACTS[act](repository, store, work))
        proven = any(entry.proven for entry in catalogue.read(repository).entries)
        nothing = not [path for path in small.iterdir() if "copy" in path.name] and not proven
        return replace(outcome, intact=outcome.intact and (nothing or not outcome.told))


def _crowded(repository: Repository, beat: int, crowd: Callable[[Path], None], act: Callable[[Work], object]) -> Outcome:
    """Do an act during which the disk becomes full; return what it says, and whether the old backup is whole and alone."""
    seen, told = iter(range(1, 1_000_000)), ""

    def check(_: int) -> None:
        if next(seen) == beat:
            crowd(repository.root.parent)

    try:
        act(unhurried(check))
    except MainstayError as error:
        told = str(error)
    left, whole = catalogue.read(repository), verify(repository, OLD, unhurried()) == ()
    only = {entry.id for entry in left.entries} <= ({OLD} if told else {OLD, NEW}) and not left.damaged
    return Outcome(told, whole and only and not repository.leftovers())


def _database(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as made:
        made.executescript("PRAGMA journal_mode = WAL; CREATE TABLE orders(id INTEGER PRIMARY KEY, note BLOB); BEGIN")
        made.executemany("INSERT INTO orders(note) VALUES (randomblob(?))", ((200,) for _ in range(20_000)))
        made.execute("COMMIT")
