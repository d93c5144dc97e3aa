"""A copy of the folder at another place, complete and compared before it gets its name."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

from mainstay.kinds.files.settings import Settings
from mainstay.kinds.files.store import FilesStore
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import because
from mainstay.model.codec import canonical
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Cost, Impact, On, Skip, Step, Undo
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration, Size
from mainstay.system import clock
from mainstay.system.clock import Deadline
from mainstay.system.files import no_space, room, sync_folder, write_atomic
from mainstay.vault.store import Pulse

_CONTENT = "content.json"  # what the copy held when it was made: counts and digests


@dataclass(frozen=True)
class Facts:
    """The folder's size, and of the copy that is looked at whether it is there and still holds what it held."""

    at: datetime
    path: Path
    size: Size
    exists: bool = False
    sound: bool = False


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
        sound = _content(copy / "tree", lambda: None) == (copy / _CONTENT).read_bytes()
        return Facts(clock.now(), settings.path, size, True, sound)

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
        path, settings = Path(step.args["path"]), session.target.settings
        store, part = FilesStore(settings.path, settings.exclude), _part(path)
        _clear(part)
        if path.is_dir():
            return
        part.mkdir(mode=0o700, parents=True)
        needed, free = Size(2 * store.estimate()), room(part).free
        if free < needed:
            raise StepFailed("no room for a snapshot", on=str(path), because=f"needs {needed}, {free} are free")
        with no_space(part, needed):
            dumped = store.dump(_made(part / "dump"), lambda: session.pulse(deadline))
            store.load(part / "dump", part / "tree", lambda: session.pulse(deadline))
            shutil.rmtree(part / "dump")
            content = _content(part / "tree", lambda: session.pulse(deadline))
            if content != canonical([dumped.counts, dumped.digests]):
                raise StepFailed("the copy differs from what was read", on=str(part), next="look for errors of this disk")
            write_atomic(part / _CONTENT, content)
        part.rename(path)
        sync_folder(path.parent)

    @action("discard")
    def discard(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove the copy and what was half made; under its hidden name first, so that half a copy is never seen."""
        path = Path(step.args["path"])
        _clear(_part(path))
        if path.is_dir():
            path.rename(_part(path))
            _clear(_part(path))


def _content(tree: Path, pulse: Pulse) -> bytes:
    seen = FilesStore(tree).describe(tree, pulse)
    return canonical([seen.counts, seen.digests])


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _clear(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)  # it is named after our run, and rmtree follows no link


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder
