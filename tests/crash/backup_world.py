"""A site that backs up, proves and prunes in one routine, killed after its n-th journal write.

usage: python -m tests.crash.backup_world FOLDER [KILL_AFTER [DELAY]]       goes one stretch; prints `settled` at the end
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.run import RunRecord, Verdict
from mainstay.vault import manifest as manifests
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.repository import open_repository
from mainstay.vault.store import unhurried
from tests.crash import vault_steps
from tests.crash.driver import Deadly

ROOT = Path(__file__).parents[2]
KILLED = (-9, 137)
OLD = {name: BackupId(f"20261119T020000Z.{name}.run-0") for name in vault_steps.FIRST}
TASKS = ["safe.backup", "safe.prove", "safe.prune"]


@dataclass(frozen=True)
class Result:
    """What came of a kill after so many journal writes, `delay` seconds later."""

    count: int
    delay: float
    fired: bool
    faults: tuple[str, ...] = ()


def build(folder: Path) -> None:
    """Write live data, two backups of each of them, of which the older one is to go, and a site that knows all this."""
    vault_steps.build(folder)
    repository = open_repository(folder / "repo")
    for name, store in vault_steps.stores(folder).items():
        made = make(repository, store, Order(OLD[name], name, "run-0"), unhurried())
        manifests.seal(repository.folder(made.id), replace(made, created=made.created - timedelta(hours=2)))
    (folder / "live" / "uploads" / "other" / "file").write_bytes(b"changed once more")
    targets = {
        "db": {"kind": "sqlite", "path": str(folder / "live" / "app.db")},
        "uploads": {"kind": "files", "path": str(folder / "live" / "uploads")},
        "safe": {
            "kind": "backup",
            "repository": {"path": str(folder / "repo")},
            "of": list(OLD),
            "keep": {"last": 1, "daily": 0, "weekly": 0, "monthly": 0, "min_age": "1h"},
        },
    }
    site = {"site": "crash", "timezone": "UTC", "state": str(folder / "state"), "targets": targets}
    (folder / "mainstay.yaml").write_text(json.dumps({**site, "routines": {"nightly": {"tasks": TASKS}}}))


def attempt(count: int, delay: float = 0) -> Result:
    """Build a world, kill the run, look, let it go on, and look again; then the next night must leave nothing behind."""
    with tempfile.TemporaryDirectory(prefix="crash-") as name:
        folder = Path(name)
        build(folder)
        live = vault_steps.fingerprint(folder / "live")
        if _drive(folder, count, delay).returncode not in KILLED:
            return Result(count, delay, fired=False)
        found = vault_steps.faults(folder, live) + _settled(folder)
        found += vault_steps.faults(folder, live) + _kept(folder)
        app = App.open(folder / "mainstay.yaml")
        found += _wrong(_night(app))
        return Result(count, delay, True, tuple(found + vault_steps.faults(folder, live) + vault_steps.left(folder)))


def kills(delay: float = 0) -> list[Result]:
    """Kill after every journal write of the run."""
    results: list[Result] = []
    with ThreadPoolExecutor(3) as pool:
        for first in range(1, 1000, 8):
            batch = list(pool.map(attempt, range(first, first + 8), [delay] * 8))
            results += [result for result in batch if result.fired]
            if not all(result.fired for result in batch):
                return results
    raise AssertionError("the road has no end")


def _drive(folder: Path, *kill: object) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "tests.crash.backup_world", str(folder), *map(str, kill)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, cwd=ROOT, check=False)


def _settled(folder: Path) -> list[str]:
    """Go on until the run is settled; return what kept it from that."""
    for _ in range(8):
        done = _drive(folder)
        if done.returncode:
            return [done.stderr[-2000:]]
        if done.stdout.strip() == "settled":
            app = App.open(folder / "mainstay.yaml")
            app.journal.verify()
            return _wrong(app.runs(1)[0])
    return ["it does not settle"]


def _wrong(record: RunRecord) -> list[str]:
    told = "; ".join(f"{task.name} {task.status} {task.because}" for task in record.tasks)
    return [] if record.verdict is Verdict.PASS else [f"{record.id} ended {record.status}: {record.because}: {told}"]


def _kept(folder: Path) -> list[str]:
    """Return what is wrong with what is kept: the old backup is to go, and each target has one more."""
    seen = [*vault_steps.seen(folder)]
    found = [f"{id} is still there" for id in OLD.values() if id in seen]
    return found + [f"{len(seen)} backups are seen"] * (len(seen) != 2 * len(OLD))


def _night(app: App) -> RunRecord:
    return app.run("nightly", Launch(by="test", envelope=app.forecast("nightly").envelope, how="test"))


def main() -> None:
    """Go one stretch of the road: launch the run, or resume it."""
    folder, kill_after, delay = Path(sys.argv[1]), int((sys.argv[2:] or ["0"])[0]), float((sys.argv[3:] or ["0"])[0])
    app = App.open(folder / "mainstay.yaml")
    app.__dict__["context"] = replace(app.context, journal=Deadly(app.site.state, kill_after, delay))
    known = app.runs(1)
    if not known or known[0].because.startswith("its owner ended before"):
        _night(app)
    elif not known[0].settled:
        app.resume(known[0].id)
    newest = app.runs(1)[0]
    print("settled" if newest.settled and newest.begun else "again")


if __name__ == "__main__":
    main()
