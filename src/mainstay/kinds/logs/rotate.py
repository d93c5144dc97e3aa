"""Rotate logs: by rename and reopening, or, where writers only append, by copying and cutting the head. No line is lost."""

from __future__ import annotations

from pathlib import Path, PurePath

from mainstay.kinds.kind import Deferred, NoParams, Session, action
from mainstay.kinds.logs import due, names, proof, reopen
from mainstay.kinds.logs.cut import cut_head
from mainstay.kinds.logs.facts import Facts, Stream
from mainstay.kinds.logs.switch import put_back, switch
from mainstay.kinds.logs.task import LogTask, beating, time_for
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import Args, Cost, Impact, OnUnknown, Skip, Step, Undo
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline


class Rotate(LogTask):
    """Rotate what is due; one signal for all logs of the target."""

    name = "rotate"
    summary = "rotate logs that are due, by size or age, without losing a line"
    task_class = TaskClass.CARE
    relieves = ("disk",)
    impact = Impact.LOAD

    def plan(self, facts: Facts, params: NoParams, name: str) -> list[Step | Skip]:
        """Rotate each log that is due and may be touched; then have the writers reopen theirs, once."""
        planned: list[Step | Skip] = []
        for number, stream in enumerate(facts.streams, 1):
            why_not = due.not_yet(stream, facts) or due.refusal(stream, facts)
            planned.append(Skip(("log", stream.path), why_not) if why_not else _step(stream, facts, f"rotate-{number}"))
        renamed = [item for item in planned if isinstance(item, Step) and item.action == "rename"]
        return [*planned, *_reopening(facts, renamed)]

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """Say which logs are never rotated, and why."""
        refused = [(stream, due.refusal(stream, facts)) for stream in facts.streams if stream.live]
        return [Finding(Level.WARNING, stream.path, why, "it is not rotated") for stream, why in refused if why]

    def verify(self, before: Facts, after: Facts, step: Step) -> str | None:
        """Look at the live file, at the part, and at what writers have open."""
        return proof.missing(after, step)

    @action("rename")
    def rename(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Give the file its rotated name and put a new one in its place."""
        switch(Path(step.on[1]), step.args)

    @action("put_back")
    def put_back(self, session: Session, step: Step, deadline: Deadline) -> Deferred | None:
        """Undo a rename where the new file is not in use yet."""
        why_not = put_back(Path(step.on[1]), step.args)
        return Deferred(because(why_not, None)) if why_not else None

    @action("reopen")
    def reopen(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Have the writers reopen their logs, and see that nobody writes to the old files."""
        how = session.target.settings.reopen
        reopen.ask(session, how, step.args["pids"])
        reopen.wait(session, step.args["parts"], Deadline(min(how.within, deadline.left)))

    @action("cut")
    def cut(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Copy whole blocks from the head of the log to the part, prove the copy, then cut them off."""
        cut_head(Path(step.on[1]), step.args, beating(session, deadline, step.cost.bytes))


def _step(stream: Stream, facts: Facts, id: str) -> Step:
    assert stream.live  # nothing is due without one
    live, policy = stream.live, facts.policy
    part = names.free(stream.name, facts.at, (PurePath(part.path).name for part in stream.parts))
    on, why = ("log", stream.path), due.reason(stream, facts)
    if policy.append_only:
        args: Args = {"part": part, "inode": live.inode, "length": live.whole, "block": live.block}
        cost = Cost(bytes=live.whole, files=1)
        return Step(id, "cut", on, why, Impact.LOAD, args=args, deadline=time_for(live.whole), cost=cost)
    args = {"part": PurePath(stream.half.path).name if stream.half else part, "inode": live.inode}
    mode = int(policy.mode, 8) if policy.mode else live.mode
    args |= {"create": policy.create, "mode": mode, "uid": live.uid, "gid": live.gid}
    return Step(id, "rename", on, why, reverse=Undo("put_back", args), args=args, deadline=Duration(60), cost=Cost(files=1))


def _reopening(facts: Facts, renamed: list[Step]) -> list[Step]:
    """Plan one signal for all renamed logs that somebody has open."""
    busy = [step for step in renamed if _is_open(facts.stream(step.on[1]))]
    if not busy or facts.policy.reopen is None or facts.reach is None or facts.reach.why_not:
        return []
    parts = [str(PurePath(step.on[1]).with_name(step.args["part"])) for step in busy]
    args: Args = {"pids": list(facts.reach.pids), "parts": parts}
    on, why = ("logs", *(step.on[1] for step in busy)), because("renamed_logs_open", len(busy), ">", 0)
    deadline, needs = Duration(facts.policy.reopen.within * 2 + 30), tuple(step.id for step in busy)
    return [Step("reopen", "reopen", on, why, args=args, needs=needs, deadline=deadline, on_unknown=OnUnknown.RERUN)]


def _is_open(stream: Stream | None) -> bool:
    return bool(stream and stream.live and stream.live.writers)
