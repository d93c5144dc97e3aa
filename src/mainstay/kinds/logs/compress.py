"""Compress rotated parts that are closed, into verified zstd frames; the plain file goes when the compressed one is proven."""

from __future__ import annotations

import os
from pathlib import Path

from mainstay.kinds.kind import NoParams, Session, action
from mainstay.kinds.logs import frames, names
from mainstay.kinds.logs.facts import Facts, Part, Stream
from mainstay.kinds.logs.folder import look_at, opened, reading, spooled
from mainstay.kinds.logs.retain import left_alone
from mainstay.kinds.logs.task import LogTask, beating, time_for
from mainstay.kinds.logs.writers import refuse_open
from mainstay.model.because import Because, because
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Cost, Impact, Skip, Step
from mainstay.model.task import TaskClass
from mainstay.system.clock import Deadline


class Compress(LogTask):
    """Compress closed parts, except the newest ones of each log."""

    name = "compress"
    summary = "compress rotated parts that nobody has open"
    task_class = TaskClass.CARE
    relieves = ("disk",)
    impact = Impact.LOAD

    def plan(self, facts: Facts, params: NoParams, name: str) -> list[Step | Skip]:
        """Compress every plain part but the `delay` newest of its log."""
        return [_decide(stream, part, facts) for stream in facts.streams for part in stream.parts if not part.compressed]

    def verify(self, before: Facts, after: Facts, step: Step) -> str | None:
        """The plain file is gone and the compressed one stands in its place."""
        if after.part(step.args["path"]):
            return "the plain file is still there"
        return None if after.part(step.args["path"] + names.ZST) else "the compressed file is missing"

    @action("compress")
    def compress(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Compress one part, prove it, remove the plain file; at the lowest priority."""
        frames.gently(lambda: _compress(session, step, deadline))


def _decide(stream: Stream, part: Part, facts: Facts) -> Step | Skip:
    on = ("log", stream.path, part.path)
    if why_not := _why_not(stream, part, facts):
        return Skip(on, why_not)
    args = {"path": part.path, "inode": part.inode}
    newer = sum(other.compressed is False for other in stream.parts if other.stamp >= part.stamp) - 1
    why = because("newer_parts", newer, ">=", facts.policy.delay, "delay")
    cost = Cost(bytes=part.size, files=1)
    return Step(
        f"compress-{Path(part.path).name}", "compress", on, why, Impact.LOAD, args=args, deadline=time_for(part.size), cost=cost
    )


def _why_not(stream: Stream, part: Part, facts: Facts) -> Because | None:
    newer = len(stream.parts) - 1 - stream.parts.index(part)
    if newer < facts.policy.delay:
        return because("newer_parts", newer, "<", facts.policy.delay, "delay")
    return left_alone(stream, part, facts)


def _compress(session: Session, step: Step, deadline: Deadline) -> None:
    path, level = Path(step.args["path"]), session.target.settings.zstd_level
    packed = path.with_name(path.name + names.ZST)
    with opened(str(path.parent)) as at:
        if look_at(at, path.name) is None and look_at(at, packed.name):
            return
        with reading(at, path.name, step.args["inode"]) as source:
            refuse_open(source, path)
            if not _done(at, packed, source):
                seen = os.fstat(source)
                with spooled(at, packed, seen, seen.st_size) as target:
                    frames.compress(source, target, level, beating(session, deadline, seen.st_size))
            refuse_open(source, path)
        os.unlink(path.name, dir_fd=at)
        os.fsync(at)


def _done(at: int, packed: Path, source: int) -> bool:
    """Say whether the compressed file stands already, complete; StepFailed when something else has its name."""
    seen = look_at(at, packed.name)
    if seen is None:
        return False
    with reading(at, packed.name, seen.st_ino) as target:
        if frames.holds(target, source):
            return True
    raise StepFailed("not compressed", on=str(packed), because="another file has this name", next="look at it by hand")
