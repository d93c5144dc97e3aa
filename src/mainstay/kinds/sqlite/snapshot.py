"""Keep a consistent copy of the database in a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.kinds.sqlite.content import schema_digest
from mainstay.kinds.sqlite.copying import AS_IS, copy_into, problems_of
from mainstay.kinds.sqlite.database import open_database, writing
from mainstay.kinds.sqlite.facts import DatabaseFacts, look
from mainstay.model.because import because
from mainstay.model.errors import StepFailed, Unreachable
from mainstay.model.plan import Cost, Impact, On, Skip, Step, Undo
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.system.files import room, sync_folder


@dataclass(frozen=True)
class SnapshotFacts:
    """The database, and what the copy that is looked at holds: its schema, or None when there is no sound copy."""

    database: DatabaseFacts
    exists: bool = False
    schema: str | None = None


@dataclass(frozen=True)
class SnapshotParams:
    """Where the copy goes."""

    folder: Annotated[Path, Setting("the folder that gets the copy; it must exist", example="/srv/snapshots")]


class TakeSnapshot(TaskKind[SnapshotFacts, SnapshotParams]):
    """`VACUUM INTO` a new file that appears only when it is whole and checked."""

    name = "snapshot"
    summary = "a consistent, checked copy of the live database as one file"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = SnapshotFacts
    params = SnapshotParams

    def observe(self, session: Session, on: On | None = None) -> SnapshotFacts:
        """Look at the database, and at the copy that `on` names."""
        path = Path(on[1]) if on else None
        if path is None or not path.exists():
            return SnapshotFacts(look(session))
        try:
            with open_database(path, Duration(0), AS_IS) as copy:
                return SnapshotFacts(look(session), True, schema_digest(copy))
        except (Unreachable, StepFailed):
            return SnapshotFacts(look(session), True)

    def plan(self, facts: SnapshotFacts, params: SnapshotParams, name: str) -> list[Step | Skip]:
        """Always one copy, under the name of this run."""
        path = params.folder / f"{facts.database.settings.path.stem}-{name}.sqlite"
        args, size = {"path": str(path)}, facts.database.live
        reverse = Undo("discard", args)
        reason, cost = because("bytes in use", size), Cost(bytes=size)
        return [
            Step("copy", "copy", ("snapshot", str(path)), reason, Impact.LOAD, reverse, args, deadline=Duration(3600), cost=cost)
        ]

    def verify(self, before: SnapshotFacts, after: SnapshotFacts, step: Step) -> str | None:
        """The copy is there with the schema of the database; or it is gone again."""
        if step.action == "discard":
            return f"{step.args['path']} is still there" if after.exists else None
        if not after.exists:
            return f"{step.args['path']} is not there"
        return None if after.schema in (before.database.schema, after.database.schema) else "the copy has another schema"

    @action("copy")
    def copy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Copy beside the final name, check every page, then rename."""
        path = Path(step.args["path"])
        part = _part(path)
        part.unlink(missing_ok=True)
        free, needed = room(path.parent).free, look(session).live
        if free < needed:
            raise StepFailed("no room for a snapshot", on=str(path), because=f"needs {needed}, {free} are free")
        with writing(session.connection) as connection:  # VACUUM INTO counts as a write
            copy_into(connection, part, lambda: session.pulse(deadline))
        if problems := problems_of(part, lambda: session.pulse(deadline)):
            raise StepFailed("the copy is not sound", on=str(part), because=problems[0], next="run the task integrity")
        os.rename(part, path)
        sync_folder(path.parent)

    @action("discard")
    def discard(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove the copy and what was half made."""
        path = Path(step.args["path"])
        for one in (path, _part(path), Path(f"{_part(path)}-journal")):
            one.unlink(missing_ok=True)
        sync_folder(path.parent)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")
