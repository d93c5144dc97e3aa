"""A repository of a database and a folder, at each of its stages."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from mainstay.kinds.backup.copies.drill_keys import DrillParams
from mainstay.kinds.backup.copies.fetch import FetchParams
from mainstay.kinds.backup.making.prove import ProveParams
from mainstay.kinds.backup.making.verify import VerifyParams
from mainstay.kinds.backup.people.approve import ApproveParams
from mainstay.kinds.backup.people.hold import HoldParams
from mainstay.kinds.backup.people.release import ReleaseParams
from mainstay.kinds.backup.restoring.restore import RestoreParams
from mainstay.kinds.backup.settings import BackupSettings, CopySettings, RepositorySettings
from mainstay.kinds.kind import NoParams
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.system.process import Door
from mainstay.vault.copies.keys import generate
from mainstay.vault.copies.remotes import DiskSettings
from mainstay.vault.retention import Policy
from tests.laws.scene import Scene
from tests.laws.scenes import backup_exchange, backup_rehearsal, files

_RECORDED = "a record says when it was made"
_KEPT = "what is complete stays; the undo clears what was half made"


def _scene(
    folder: Path,
    task: str,
    params: Any,
    *before: str,
    keys: Path | None = None,
    copies: dict[str, CopySettings] | None = None,
    **more: Any,
) -> Scene:
    """Make a repository in which the tasks `before` were done, in their order."""
    others = (files.uploads(folder),)
    keep = Policy(last=1, daily=0, weekly=0, monthly=0, yearly=0, min_age=Duration(0))
    settings = BackupSettings(RepositorySettings(folder / "repo"), ("uploads",), keep, keys=keys, copies=copies or {})
    target = Target("safe", "backup", settings)
    for number, name in enumerate(before):
        _perform(Scene(name, target, ProveParams() if name == "prove" else NoParams(), others=others), f"run-0.{number}")
    return Scene(task, target, params, others=others, **more)


def _perform(scene: Scene, name: str) -> None:
    with scene.session() as session:
        for step in scene.kind.plan(scene.kind.observe(session), scene.params, name):
            assert isinstance(step, Step)
            scene.kind.apply(session, step, Deadline(Duration(60)))


def backup(folder: Path) -> Scene:
    return _scene(folder, "backup", NoParams(), undo_keeps=_KEPT)


def verify(folder: Path) -> Scene:
    return _scene(folder, "verify", VerifyParams(), "backup", acts_anew=_RECORDED)


def prove(folder: Path) -> Scene:
    return _scene(folder, "prove", ProveParams(), "backup", acts_anew=_RECORDED)


def prune(folder: Path) -> Scene:
    return _scene(folder, "prune", NoParams(), "backup", "prove", "backup", "prove")


def restore(folder: Path) -> Scene:
    params = RestoreParams("uploads", str(folder / "restored"))
    return _scene(folder, "restore", params, "backup", "prove", undo_keeps=_KEPT)


def copy(folder: Path) -> Scene:
    return _copied(folder, "copy", NoParams(), "backup", "prove")


def verify_copies(folder: Path) -> Scene:
    return _copied(folder, "verify_copies", VerifyParams(), "backup", "prove", "copy", acts_anew=_RECORDED)


def prune_copies(folder: Path) -> Scene:
    before = ("backup", "prove", "copy", "backup", "prove", "copy", "backup", "prove", "copy")
    return _copied(folder, "prune_copies", NoParams(), *before)


def drill_keys(folder: Path) -> Scene:
    params = DrillParams(folder / "escrow.txt")
    return _copied(folder, "drill_keys", params, "backup", "prove", "copy", acts_anew=_RECORDED)


def fetch(folder: Path) -> Scene:
    scene = _copied(folder, "fetch", FetchParams("second", "uploads", folder / "escrow.txt"), "backup", "prove", "copy")
    (folder / "repo").rename(folder / "lost")
    return scene


def _copied(folder: Path, task: str, params: Any, *before: str, **more: Any) -> Scene:
    """Make a repository with a remote on another disk; the same keys serve every scene of a process."""
    ready = _keys()
    shutil.copytree(ready / "keys", folder / "keys")
    shutil.copy(ready / "escrow.txt", folder)
    (folder / "disk").mkdir()
    (folder / "disk" / ".mainstay-remote").touch()
    keep = Policy(last=1, daily=0, weekly=0, monthly=0, yearly=0, min_age=Duration(0))
    second = CopySettings(DiskSettings(folder / "disk"), keep=keep)
    return _scene(folder, task, params, *before, keys=folder / "keys", copies={"second": second}, **more)


@cache
def _keys() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="mainstay-scene-"))
    atexit.register(shutil.rmtree, folder)
    generate(folder / "keys", folder / "escrow.txt", "law", Door())
    return folder


def hold(folder: Path) -> Scene:
    return _scene(folder, "hold", HoldParams("an audit", "ann"), "backup")


def release(folder: Path) -> Scene:
    scene = _scene(folder, "release", ReleaseParams("all", "it is over", "ann"), "backup")
    _perform(Scene("hold", scene.target, HoldParams("an audit", "ann"), others=scene.others), "run-0.9")
    return scene


def approve(folder: Path) -> Scene:
    return _scene(folder, "approve", ApproveParams("2", "ann", "administrator"), "backup", "prove")


def drill(folder: Path) -> Scene:
    return _scene(folder, "drill", NoParams(), "backup", undo_keeps=_KEPT, acts_anew=_RECORDED)


SCENES = {
    "backup": backup,
    "verify": verify,
    "prove": prove,
    "prune": prune,
    "restore": restore,
    "copy": copy,
    "verify_copies": verify_copies,
    "prune_copies": prune_copies,
    "fetch": fetch,
    "drill_keys": drill_keys,
    "hold": hold,
    "release": release,
    "approve": approve,
    "drill": drill,
    "rehearse": backup_rehearsal.rehearse,
    **backup_exchange.SCENES,
}
