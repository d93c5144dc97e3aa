"""Routines and windows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Protocol

from mainstay.config.bind import Binder
from mainstay.config.document import Node
from mainstay.config.shape import ProofShape, RoutineShape, WindowShape
from mainstay.model.plan import Impact
from mainstay.model.task import Proof, Routine, Task, Window
from mainstay.schedule import leads, rules

_LISTS = ("around", "tasks", "checks")


def bind_windows(binder: Binder, nodes: Mapping[str, Node]) -> dict[str, Window]:
    """Bind every window; the ones with a mistake are left out."""
    found = {name: _window(binder, name, node) for name, node in nodes.items()}
    return {name: window for name, window in found.items() if window}


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
    return Routine(**{**values, **lists, "proof": proof, "name": name, "origin": origin})


def _window(binder: Binder, name: str, node: Node) -> Window | None:
    path = f"windows.{name}"
    origin = binder.origins[path]
    (shape,) = binder.records(node, path, origin, WindowShape)
    if shape is None:
        return None
    try:
        rules.parse(shape.rule)
    except ValueError as error:
        binder.mistakes.add(binder.origins[f"{path}.rule"], f"{path}.rule", str(error))
        return None
    lists = {"notices": leads.parse, "status": leads.clock}
    readable = [_read(binder, f"{path}.{key}", getattr(shape, key), reader) for key, reader in lists.items()]
    if not all(readable):
        return None
    told = {"notices": shape.notices, "status": shape.status, "advice": shape.advice}
    return Window(name, shape.rule, shape.length, Impact[shape.max_impact.upper()], origin, **told)


def _read(binder: Binder, path: str, texts: tuple[str, ...], reader: Callable[[str], object]) -> bool:
    """Note what of a list cannot be read; return whether all of it can."""
    before = len(binder.mistakes.found)
    for number, text in enumerate(texts):
        try:
            reader(text)
        except ValueError as error:
            binder.mistakes.add(binder.origins[f"{path}[{number}]"], f"{path}[{number}]", str(error))
    return len(binder.mistakes.found) == before
