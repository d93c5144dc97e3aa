"""Which files have had their time, and why; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

from mainstay.kinds.files.aged import Aged, Facts
from mainstay.model.because import Because, because
from mainstay.model.plan import Skip
from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Size


@dataclass(frozen=True)
class Params:
    """What may go; without max_age and total_cap nothing does."""

    pattern: Annotated[tuple[str, ...], Setting("globs on the path below the folder; only these may go")] = ("*",)
    max_age: Annotated[Duration | None, Setting("a file goes when its last change is longer ago", example="90d")] = None
    total_cap: Annotated[Size | None, Setting("the oldest go until the whole folder is no larger", example="20GB")] = None
    min_age: Annotated[Duration, Setting("nothing that was changed within this time goes, whatever the cap says")] = Duration(
        3600
    )
    trash: Annotated[
        Path | None, Setting("a folder on the same file system that files are moved to, instead of deleting them")
    ] = None


def judge(facts: Facts, params: Params) -> tuple[list[tuple[Aged, Because]], list[Skip]]:
    """Return the files that are due, each with its reason, and what is left alone."""
    due: list[tuple[Aged, Because]] = []
    items: list[Skip] = list(_unseen(facts))
    size = facts.size
    matching = [one for one in facts.files if any(fnmatch(one.path, glob) for glob in params.pattern)]
    for position, one in enumerate(matching):
        why = _due(one, facts, params, size)
        if why is None:
            items.append(_not_due(one, len(matching) - position, facts, params, size))
            break
        if forbidden := _forbidden(one, facts, params):
            items.append(Skip(("file", one.path), forbidden))
            continue
        due.append((one, why))
        size = Size(size - one.size)
    return due, items


def _due(one: Aged, facts: Facts, params: Params, size: Size) -> Because | None:
    age = one.age(facts.at)
    if params.max_age is not None and age > params.max_age:
        return because("age", age, ">", params.max_age, "max_age")
    if params.total_cap is not None and size > params.total_cap:
        return because("folder_size", size, ">", params.total_cap, "total_cap")
    return None


def _forbidden(one: Aged, facts: Facts, params: Params) -> Because | None:
    if one.held:
        return because("held", "an unsettled run needs it for its undo")
    if one.in_use:
        return because("open", "a process has it open")
    age = one.age(facts.at)
    return because("age", age, "<", params.min_age, "min_age") if age < params.min_age else None


def _not_due(one: Aged, count: int, facts: Facts, params: Params, size: Size) -> Skip:
    """Say once why the oldest file that stays, and with it every younger one, stays."""
    on = ("files", f"{count:,} from {one.path} on")
    if params.max_age is not None:
        return Skip(on, because("age", max(Duration(0), one.age(facts.at)), "<=", params.max_age, "max_age"))
    if params.total_cap is not None:
        return Skip(on, because("folder_size", size, "<=", params.total_cap, "total_cap"))
    return Skip(on, because("neither max_age nor total_cap is set", None))


def _unseen(facts: Facts) -> Iterator[Skip]:
    if facts.beyond:
        yield Skip(("files", "beyond the oldest"), because("files", facts.count, ">", facts.count - facts.beyond))
    if facts.problems:
        yield Skip(("entries", facts.problems[0]), because("cannot_be_looked_at", len(facts.problems), ">", 0))
    if facts.hidden:
        yield Skip(("open files", "of others"), because("processes_not_looked_into", facts.hidden, ">", 0))
