"""Archive rotated parts by their age, and those that the limits on parts would drop."""

from __future__ import annotations

from pathlib import Path

from mainstay.kinds.kind import NoParams, Session, action
from mainstay.kinds.logs.facts import Facts, Part, Stream
from mainstay.kinds.logs.frames import gently
from mainstay.kinds.logs.retain import Verdict, age, from_the_future, keep_or_drop, left_alone
from mainstay.kinds.logs.shelf import shelve
from mainstay.kinds.logs.task import LogTask, beating, time_for
from mainstay.model.because import Because, because
from mainstay.model.plan import Cost, Impact, Skip, Step
from mainstay.model.task import TaskClass
from mainstay.system.clock import Deadline


class Archive(LogTask):
    """Archive parts that are old enough, and those that would be dropped."""

    name = "archive"
    summary = "move old compressed parts into the archive, verified and listed"
    task_class = TaskClass.CARE
    impact = Impact.LOAD

    def plan(self, facts: Facts, params: NoParams, name: str) -> list[Step | Skip]:
        """Archive by age, and whatever the limits on parts would drop."""
        if facts.policy.archive is None:
            return [Skip(("logs",), because("archive", "none is set", param="archive"))]
        streams = {part: stream for stream in facts.streams for part in stream.parts}
        return [_decide(streams[verdict.part], verdict, facts) for verdict in keep_or_drop(facts)]

    def verify(self, before: Facts, after: Facts, step: Step) -> str | None:
        """The part is listed in the archive and gone from where it was."""
        if not after.is_archived(step.args["target"]):
            return "the archive does not hold it"
        return "it is still where it was" if after.part(step.args["path"]) else None

    @action("archive")
    def archive(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Copy one part, prove the copy frame by frame, list it, remove the source; at the lowest priority."""
        root = session.target.settings.archive
        gently(lambda: shelve(root, step.args, beating(session, deadline, step.cost.bytes)))


def _decide(stream: Stream, verdict: Verdict, facts: Facts) -> Step | Skip:
    part = verdict.part
    on = ("log", stream.path, part.path)
    old, after = age(part.stamp, facts.at), facts.policy.archive_after
    due = because("age", old, ">", after, "archive_after") if old > after else None if verdict.keep else verdict.because
    why_not = from_the_future(facts) or left_alone(stream, part, facts) or _uncompressed(part, due)
    if why_not or due is None:
        return Skip(on, why_not or because("age", old, "<=", after, "archive_after"))
    args = {"path": part.path, "inode": part.inode, "stream": stream.path, "target": part.path.lstrip("/")}
    args["stamp"] = part.stamp.isoformat()
    cost = Cost(bytes=part.size, files=1)
    id = f"archive-{Path(part.path).name}"
    return Step(id, "archive", on, due, Impact.LOAD, args=args, deadline=time_for(2 * part.size), cost=cost)


def _uncompressed(part: Part, due: Because | None) -> Because | None:
    return because("not compressed", "compress comes first", param="delay") if due and not part.compressed else None
