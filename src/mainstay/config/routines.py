"""Routines."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from mainstay.config.bind import Binder
from mainstay.config.document import Node
from mainstay.config.mistakes import nearest, shown
from mainstay.config.phases import Entries, bind_phases
from mainstay.config.shape import ProofShape, QuietShape, RequireShape, RoutineShape
from mainstay.model.task import Proof, Quiet, Requirement, Routine

_LISTS = ("around", "tasks", "checks", "looks", "prepared_by")


def bind_routines(binder: Binder, tasks: Entries, nodes: Mapping[str, Node], windows: Collection[str]) -> dict[str, Routine]:
    """Bind every routine; of its values and tasks, those with a mistake are left out."""
    found = [_routine(binder, tasks, name, node) for name, node in nodes.items()]
    own = {name: name if name in windows else "" for name in nodes}
    return {routine.name: replace(routine, window=routine.window or own[routine.name]) for routine in found}


def check_named(binder: Binder, routines: Mapping[str, Routine]) -> None:
    """Check every value that names a routine, or a task of one."""
    tasks = {task.id for one in routines.values() for task in (*one.around, *one.tasks)}
    for reference in (one for one in binder.references if one.what == "routine"):
        if reference.name not in {*routines, *tasks}:
            problem, hint = f"no routine {shown(reference.name)}", nearest(reference.name, [*routines, *tasks])
            binder.mistakes.add(reference.origin, reference.path, problem, hint)


def _routine(binder: Binder, tasks: Entries, name: str, node: Node) -> Routine:
    path = f"routines.{name}"
    origin = binder.origins[path]
    values = binder.partial(node, path, origin, RoutineShape)
    _check_work(binder, values, path)
    lists = {key: tasks.entries(values.get(key, ()), path, key) for key in _LISTS}
    phases, phased = bind_phases(binder, tasks, values.get("phases", {}), path)
    lists["tasks"] += phased
    if values.get("manual"):
        lists["tasks"] = tuple(replace(task, level="manual") for task in lists["tasks"])
    wanted: ProofShape | None = values.get("proof")
    proof = Proof(wanted.of, wanted.within, binder.origins[f"{path}.proof"]) if wanted else None
    asked: QuietShape | None = values.get("quiet")
    quiet = Quiet(**vars(asked), origin=binder.origins[f"{path}.quiet"]) if asked else None
    required = _requires(binder, tasks, values.get("requires", {}), path)
    found = {"proof": proof, "quiet": quiet, "phases": phases, "requires": required}
    return Routine(**{**values, **lists, **found, "name": name, "origin": origin})


def _check_work(binder: Binder, values: Mapping[str, Any], path: str) -> None:
    """Note it when a routine does nothing, or says twice what it does."""
    written = [key for key in ("tasks", "phases") if f"{path}.{key}" in binder.origins]
    if not written:
        example = "write tasks: [db.optimize, logs.rotate: {keep: 14}]"
        binder.mistakes.add(binder.origins[path], f"{path}.tasks", "is missing", example)
    elif len(written) > 1:
        binder.mistakes.add(binder.origins[f"{path}.phases"], path, "has both tasks and phases", "move every task into a phase")
    for key in written:
        if key in values and not values[key]:
            binder.mistakes.add(binder.origins[f"{path}.{key}"], f"{path}.{key}", "is empty")


def _requires(binder: Binder, tasks: Entries, nodes: Mapping[str, Node], path: str) -> tuple[Requirement, ...]:
    """Bind what a routine requires; what has a mistake is left out."""
    found = []
    for name, node in nodes.items():
        at = f"{path}.requires.{name}"
        (shape,) = binder.records(node, at, binder.origins[at], RequireShape)
        if shape is not None:
            own: dict[str, Any] = {key: getattr(shape, key) for key in ("signed", "by", "proven", "rehearsed", "within")}
            for key in ("done", "checks"):
                own[key] = tasks.entries(getattr(shape, key), path, f"requires.{name}.{key}")
            found.append(Requirement(name, **own, origin=binder.origins[at]))
    return tuple(found)
