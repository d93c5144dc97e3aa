"""Routines."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Protocol

from mainstay.config.bind import Binder
from mainstay.config.document import Node
from mainstay.config.shape import ProofShape, QuietShape, RoutineShape
from mainstay.model.task import Proof, Quiet, Routine, Task

_LISTS = ("around", "tasks", "checks", "looks")


class Entries(Protocol):
    """Turns the nodes of one of a routine's lists into tasks."""

    def entries(self, nodes: tuple[Node, ...], path: str, key: str) -> tuple[Task, ...]:
        """Return the tasks of a list; `path` is the routine's, `key` names the list."""


def bind_routines(binder: Binder, tasks: Entries, nodes: Mapping[str, Node], windows: Collection[str]) -> dict[str, Routine]:
    """Bind every routine; of its values and tasks, those with a mistake are left out."""
    found = [_routine(binder, tasks, name, node) for name, node in nodes.items()]
    own = {name: name if name in windows else "" for name in nodes}
    return {routine.name: replace(routine, window=routine.window or own[routine.name]) for routine in found}


def _routine(binder: Binder, tasks: Entries, name: str, node: Node) -> Routine:
    path = f"routines.{name}"
    origin = binder.origins[path]
    values = binder.partial(node, path, origin, RoutineShape)
    if values.get("tasks") == ():
        binder.mistakes.add(binder.origins[f"{path}.tasks"], f"{path}.tasks", "is empty")
    lists = {key: tasks.entries(values.get(key, ()), path, key) for key in _LISTS}
    wanted: ProofShape | None = values.get("proof")
    proof = Proof(wanted.of, wanted.within, binder.origins[f"{path}.proof"]) if wanted else None
    asked: QuietShape | None = values.get("quiet")
    quiet = Quiet(**vars(asked), origin=binder.origins[f"{path}.quiet"]) if asked else None
    return Routine(**{**values, **lists, "proof": proof, "quiet": quiet, "name": name, "origin": origin})
