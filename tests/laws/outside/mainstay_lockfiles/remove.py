"""Take stale lock files out of the way."""

from __future__ import annotations

import os
from pathlib import Path

from mainstay.kinds.kind import NoParams, Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Cost, Impact, On, Skip, Step, Undo
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.system.files import sync_folder

from .facts import Facts, LockFile, in_use, inode, look


class Remove(TaskKind[Facts, NoParams]):
    """Each stale file moves to `.trash` in its folder, under the name of the run."""

    name = "remove"
    summary = "move lock files whose process is gone to a trash folder"
    task_class = TaskClass.CHANGE
    impact = Impact.NONE
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Read every lock file, or look at one and at the place where it is kept."""
        return look(session, on)

    def plan(self, facts: Facts, params: NoParams, name: str) -> list[Step | Skip]:
        """One step for each stale file, a reason for each other."""
        return [_decide(file, facts, name) for file in facts.files]

    def verify(self, before: Facts, after: Facts, step: Step) -> str | None:
        """The very file lies in the trash; or, taken back, at its place."""
        file, wanted = after.files[0], step.args["inode"]
        if step.action == "put_back":
            return None if file.inode == wanted and not file.kept else f"{file.path} is not back"
        return None if file.kept == wanted else f"{step.args['kept']} is not the file that was planned"

    @action("remove")
    def remove(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Move the file if it is still the one that was planned, and still stale."""
        now = look(session, step.on)
        if now.files[0].inode == step.args["inode"] and not in_use(now.files[0], now):
            kept = Path(step.args["kept"])
            kept.parent.mkdir(mode=0o700, exist_ok=True)
            os.rename(step.args["path"], kept)
            sync_folder(kept.parent)

    @action("put_back")
    def put_back(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Move it back; a newer lock file of that name stays, and then this fails."""
        path, kept = Path(step.args["path"]), Path(step.args["kept"])
        if inode(kept):
            if inode(path) not in (0, inode(kept)):
                raise StepFailed("a newer lock file is there", on=str(path), next=f"compare it with {kept}")
            if not inode(path):
                os.link(kept, path)
            kept.unlink()
        if kept.parent.is_dir() and not any(kept.parent.iterdir()):
            kept.parent.rmdir()


def _decide(file: LockFile, facts: Facts, name: str) -> Step | Skip:
    path = Path(file.path)
    if why_not := in_use(file, facts):
        return Skip(("lockfile", file.path), why_not)
    kept = str(path.parent / ".trash" / f"{name}-{path.name}")
    args = {"path": file.path, "inode": file.inode, "kept": kept}
    reason, on = because("its process is gone", file.pid), ("lockfile", file.path, kept)
    undo = Undo("put_back", args)
    return Step(
        f"remove {path.name}",
        "remove",
        on,
        reason,
        reverse=undo,
        args=args,
        deadline=Duration(30),
        cost=Cost(files=1),
        holds=(kept,),
    )
