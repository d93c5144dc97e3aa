"""Drop rotated parts and archived parts that have had their time; live logs, open files and held files never."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from mainstay.kinds.kind import NoParams, Session, action
from mainstay.kinds.logs.catalogue import Entry
from mainstay.kinds.logs.facts import Facts, Stream
from mainstay.kinds.logs.folder import look_at, opened, reading
from mainstay.kinds.logs.retain import Verdict, age, from_the_future, keep_or_drop, left_alone
from mainstay.kinds.logs.shelf import discard
from mainstay.kinds.logs.task import LogTask
from mainstay.kinds.logs.writers import refuse_open
from mainstay.model.because import Because, because
from mainstay.model.codec import decode, encode
from mainstay.model.plan import Cost, OneWay, Skip, Step
from mainstay.model.task import TaskClass
from mainstay.system.clock import Deadline


class Retention(LogTask):
    """Drop what the policy says has had its time; with an archive, only archived parts: the others are moved there first."""

    name = "retention"
    summary = "drop rotated and archived parts that have had their time"
    task_class = TaskClass.CARE
    relieves = ("disk",)

    def plan(self, facts: Facts, params: NoParams, name: str) -> list[Step | Skip]:
        """Judge every part and every archived part."""
        streams = {part: stream for stream in facts.streams for part in stream.parts}
        parts = [_decide(streams[verdict.part], verdict, facts) for verdict in keep_or_drop(facts)]
        return [*parts, *(_decide_archived(entry, facts) for entry in facts.archived)]

    def verify(self, before: Facts, after: Facts, step: Step) -> str | None:
        """It is gone."""
        if step.action == "drop":
            return "the part is still there" if after.part(step.args["path"]) else None
        listed = any(entry.part == step.args["part"] for entry in after.archived)
        return "the archive still lists it" if listed else None

    @action("drop")
    def drop(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove one closed part."""
        path = Path(step.args["path"])
        with opened(str(path.parent)) as at:
            if look_at(at, path.name) is None:
                return
            with reading(at, path.name, step.args["inode"]) as fd:
                refuse_open(fd, path)
            os.unlink(path.name, dir_fd=at)
            os.fsync(at)

    @action("drop_archived")
    def drop_archived(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Remove one part from the archive and from its list."""
        discard(session.target.settings.archive, decode(Entry, step.args))


def _decide(stream: Stream, verdict: Verdict, facts: Facts) -> Step | Skip:
    part, on = verdict.part, ("log", stream.path, verdict.part.path)
    why_not = from_the_future(facts) or (verdict.because if verdict.keep else None) or left_alone(stream, part, facts)
    if not why_not and facts.policy.archive:
        why_not = because("not archived yet", "the archive comes first", param="archive")
    if why_not:
        return Skip(on, why_not)
    args = {"path": part.path, "inode": part.inode}
    return Step(f"drop-{Path(part.path).name}", "drop", on, verdict.because, reverse=_END, args=args, cost=_cost(part.size))


def _decide_archived(entry: Entry, facts: Facts) -> Step | Skip:
    on = ("log", entry.stream, entry.part)
    if why_not := from_the_future(facts) or _kept(entry, facts):
        return Skip(on, why_not)
    gone = replace(entry, removed=facts.at.isoformat())
    why = because("age", age(entry.rotated, facts.at), ">", facts.policy.archive_keep, "archive_keep")
    id = f"drop-archived-{Path(entry.part).name}"
    return Step(id, "drop_archived", on, why, reverse=_END, args=encode(gone), cost=_cost(entry.bytes))


def _kept(entry: Entry, facts: Facts) -> Because | None:
    old, policy = age(entry.rotated, facts.at), facts.policy
    if policy.archive_keep is None:
        return because("kept for ever", "archive_keep is not set", param="archive_keep")
    if policy.archive and str(policy.archive / entry.part) in facts.held:
        return because("held", "an unsettled run may need it")
    if old < policy.keep_at_least:
        return because("age", old, "<", policy.keep_at_least, "keep_at_least")
    return because("age", old, "<=", policy.archive_keep, "archive_keep") if old <= policy.archive_keep else None


def _cost(size: int) -> Cost:
    return Cost(bytes=size, files=1)


_END = OneWay("the policy names the end of its life, and nothing that is younger than keep_at_least is taken")
