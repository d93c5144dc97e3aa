"""Phases of a routine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mainstay.config.bind import Binder
from mainstay.config.document import Node
from mainstay.config.mistakes import nearest, shown
from mainstay.config.shape import PhaseShape
from mainstay.model.phase import Phase
from mainstay.model.target import Origin
from mainstay.model.task import Task
from mainstay.schedule import phases


class Entries(Protocol):
    """Turns the nodes of one of a routine's lists into tasks."""

    def entries(self, nodes: tuple[Node, ...], path: str, key: str, seen: dict[str, Origin] | None = None) -> tuple[Task, ...]:
        """Return the tasks of a list; `path` is the routine's, `key` names the list, `seen` are the tasks before it."""


def bind_phases(
    binder: Binder, tasks: Entries, nodes: Mapping[str, Node], path: str
) -> tuple[tuple[Phase, ...], tuple[Task, ...]]:
    """Bind the phases of the routine at `path`, with all their tasks in order; the ones with a mistake are left out."""
    found: list[Phase] = []
    bound: list[Task] = []
    seen: dict[str, Origin] = {}
    for name, node in nodes.items():
        origin = binder.origins[f"{path}.phases.{name}"]
        (shape,) = binder.records(node, f"{path}.phases.{name}", origin, PhaseShape)
        if shape is None or not _in_order(binder, f"{path}.phases.{name}", shape, [one.name for one in found]):
            continue
        own = tasks.entries(shape.tasks, path, f"phases.{name}.tasks", seen)
        after = tuple(one.name for one in found[-1:]) if shape.after is None else shape.after
        found.append(Phase(name, tuple(task.id for task in own), shape.budget, shape.start, after, origin))
        bound += own
    return tuple(found), tuple(bound)


def _in_order(binder: Binder, path: str, shape: PhaseShape, earlier: list[str]) -> bool:
    """Tell whether a phase can stand where it does; what is wrong with it is noted with its line."""
    before = len(binder.mistakes.found)
    if not shape.tasks:
        binder.mistakes.add(binder.origins[f"{path}.tasks"], f"{path}.tasks", "is empty")
    for number, name in enumerate(shape.after or ()):
        if name not in earlier:
            at = f"{path}.after[{number}]"
            binder.mistakes.add(binder.origins[at], at, f"{shown(name)} is not an earlier phase", nearest(name, earlier))
    try:
        phases.check(shape.start or "+0s")
    except ValueError as error:
        binder.mistakes.add(binder.origins[f"{path}.start"], f"{path}.start", str(error))
    return len(binder.mistakes.found) == before
