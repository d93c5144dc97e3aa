"""A copy of the folder at another place, complete and compared before it gets its name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from mainstay.kinds.files.copying import make_copy, read_copy, remove_copy
from mainstay.kinds.files.settings import Settings
from mainstay.kinds.files.store import FilesStore
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.plan import Cost, Impact, On, Skip, Step, Undo
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.clock import Deadline


@dataclass(frozen=True)
class Facts:
    """The folder's size, and of the copy that is looked at whether it is there and still holds what it held."""

    at: datetime
    path: Path
    size: Size
    exists: bool = False
    sound: bool = False
    notes: tuple[str, ...] = ()  # what was left out, or changed while it was read


@dataclass(frozen=True)
class Params:
    """Where copies are kept."""

    into: Annotated[Path, Setting("the folder that gets a folder for each copy", example="/srv/snapshots")]


class TakeSnapshot(TaskKind[Facts, Params]):
    """Copy with owners, modes, times, links and holes; read the copy back; then give it its name."""

    name = "snapshot"
    summary = "a complete, compared copy of the folder at another place"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = Facts
    params = Params

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Estimate the folder; with `on`, read that copy to its end."""
        settings: Settings = session.target.settings
        size = Size(FilesStore(settings.path, settings.exclude).estimate())
        if not on or not (copy := Path(on[1])).is_dir():
            return Facts(clock.now(), settings.path, size)
        return Facts(clock.now(), settings.path, size, True, *read_copy(copy))

    def plan(self, facts: Facts, params: Params, name: str) -> list[Step | Skip]:
        """Always one copy, under the name of this run; never into the folder itself."""
        if params.into.is_relative_to(facts.path):
            return [Skip(("snapshot",), because("into", str(params.into), "in", str(facts.path), "into"))]
        path = params.into / f"{facts.path.name}-{name}"
        args = {"path": str(path)}
        return [
            Step(
                id="copy",
                action="copy",
                on=("snapshot", str(path)),
                because=because("bytes in the folder", facts.size),
                impact=Impact.LOAD,
                reverse=Undo("discard", args),
                args=args,
                deadline=Duration(3600),
                cost=Cost(bytes=facts.size),
            )
        ]

    def verify(self, before: Facts, after: Facts, step: Step) -> str | None:
        """The copy is there and sound; or it is gone again."""
        if step.action == "discard":
            return f"{step.args['path']} is still there" if after.exists else None
        if not after.exists:
            return f"{step.args['path']} is not there"
        return None if after.sound else f"{step.args['path']} does not hold what was copied"

    @action("copy")
    def copy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Copy beside the final name, compare, then rename. While it works it needs twice the space."""
        settings: Settings = session.target.settings
        make_copy(FilesStore(settings.path, settings.exclude), Path(step.args["path"]), session.work(deadline))

    @action("discard")
    def discard(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove the copy and what was half made."""
        remove_copy(Path(step.args["path"]))
