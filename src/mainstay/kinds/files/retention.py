"""Delete what has had its time: files that are too old, and the oldest of a folder that is too large."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from mainstay.kinds.files.aged import Aged, Facts, look
from mainstay.kinds.files.due import Params, judge
from mainstay.kinds.files.removal import put_back, remove
from mainstay.kinds.kind import Session, TaskKind, action
from mainstay.model.because import Because, because
from mainstay.model.plan import Cost, Impact, On, OneWay, Skip, Step, Undo
from mainstay.model.task import TaskClass
from mainstay.system.clock import Deadline

_MOST = 1000  # files in one run


class Retention(TaskKind[Facts, Params]):
    """Only regular files inside the folder, none that is open or held; a file that changes meanwhile stays."""

    name = "retention"
    summary = "delete, or move to a trash folder, files that are too old or too many"
    task_class = TaskClass.CARE
    relieves = ("disk",)
    impact = Impact.NONE
    facts = Facts
    params = Params

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """List the oldest files."""
        return look(session, on)

    def plan(self, facts: Facts, params: Params, name: str) -> list[Step | Skip]:
        """One step for each folder that holds a file to go, with the files pinned."""
        if params.trash and params.trash.is_relative_to(facts.root):
            return [Skip(("files",), because("trash", str(params.trash), "in", str(facts.root), "trash"))]
        due, skips = judge(facts, params)
        items: list[Step | Skip] = [*skips]
        taken, later = due[:_MOST], len(due) - _MOST
        taken.sort(key=lambda pair: pair[0].folder)
        for number, (folder, group) in enumerate(groupby(taken, key=lambda pair: pair[0].folder), start=1):
            items.append(_step(number, folder, list(group), str(params.trash / f"{name}-{number}") if params.trash else ""))
        if later > 0:
            items.append(Skip(("files", "next run"), because("files", len(due), ">", _MOST)))
        return items

    def verify(self, before: Facts, after: Facts, step: Step) -> str | None:
        """The pinned files are gone, but for those that came into use; or they are back."""
        if step.action == "put_back":
            left = [row[0] for row in step.args["files"] if row[0] in after.trashed]
            return f"{len(left)} files are still in the trash, {left[0]} first" if left else None
        pinned = {(row[0], row[1], row[2]) for row in step.args["files"]}
        there = [one for one in after.files if (one.name, one.inode, one.mtime_ns) in pinned and not (one.in_use or one.held)]
        return f"{len(there)} of {len(pinned)} files are still there, {there[0].path} first" if there else None

    @action("remove")
    def remove(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Delete each file, or move it to the trash, if it is still the one that was planned."""
        remove(session, step, deadline)

    @action("put_back")
    def put_back(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Move the files of the trash back to where they were."""
        put_back(session, step, deadline)


def _step(number: int, folder: str, group: list[tuple[Aged, Because]], trash: str) -> Step:
    args = {
        "folder": folder,
        "files": [[one.name, one.inode, one.mtime_ns, one.size, str(replace(why, param=""))] for one, why in group],
        "trash": trash,
    }
    return Step(
        id=f"remove-{number}",
        action="remove",
        on=("folder", folder, trash),
        because=group[0][1],
        reverse=Undo("put_back", args) if trash else OneWay("the configuration names the age and size at which files end"),
        args=args,
        cost=Cost(bytes=sum(one.size for one, _ in group), files=len(group)),
        holds=(trash,) if trash else (),
    )
