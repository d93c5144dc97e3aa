"""What shows that an act of rotation happened: inodes, block positions, and what writers have open. Pure."""

from __future__ import annotations

from pathlib import PurePath

from mainstay.kinds.logs.facts import Facts, Live
from mainstay.model.plan import Args, Step


def missing(after: Facts, step: Step) -> str | None:
    """Return what is missing from the effect of a step, or None."""
    if step.action == "reopen":
        return _reopened(after, step.args)
    stream = after.stream(step.on[1])
    part = after.part(str(PurePath(step.on[1]).with_name(step.args["part"])))
    checks = {"rename": _renamed, "put_back": _put_back, "cut": _cut}
    return checks[step.action](stream.live if stream else None, part.inode if part else None, step.args)


def _reopened(after: Facts, args: Args) -> str | None:
    still_open = [part for path in args["parts"] if (part := after.part(path)) and part.writers]
    return f"{still_open[0].writers[0]} still writes to {still_open[0].path}" if still_open else None


def _renamed(live: Live | None, part: int | None, args: Args) -> str | None:
    if part != args["inode"]:
        return f"{args['part']} is not the file that was live"
    if live and live.inode == args["inode"]:
        return "the log has not got a new file"
    return "the new log file is missing" if args["create"] and not live else None


def _put_back(live: Live | None, part: int | None, args: Args) -> str | None:
    """Either the old file is the log again, or a new one is in use and was left."""
    return None if live and (live.inode != args["inode"] or part is None) else "the log has not got its file back"


def _cut(live: Live | None, part: int | None, args: Args) -> str | None:
    if live is None or live.block == args["block"]:
        return "its head was not cut off"
    return None if part else "the copy of its head is missing"
