"""Task entries: `db.vacuum` or `{db.vacuum: {parameter: value, ...}}`, bound to the parameters of their task kind."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mainstay.config.bind import Binder
from mainstay.config.document import Leaf, Map, Node
from mainstay.config.fields import declared
from mainstay.config.mistakes import nearest, shown
from mainstay.config.shape import TaskShape
from mainstay.config.targets import Known
from mainstay.model.target import Origin, Target
from mainstay.model.task import Task

if TYPE_CHECKING:
    from mainstay.kinds.kind import Kind, TaskKind


@dataclass(frozen=True)
class Entry:
    """A task as a list names it: its id, the node of its parameters, and its line."""

    id: str
    params: Node
    origin: Origin


class TaskBinder:
    """Binds task entries against the known targets."""

    def __init__(self, binder: Binder, targets: Mapping[str, Known]) -> None:
        self._binder, self._targets = binder, targets

    def entries(self, nodes: tuple[Node, ...], path: str, key: str, seen: dict[str, Origin] | None = None) -> tuple[Task, ...]:
        """Bind the entries of one of a routine's lists; the ones with a mistake are left out.

        `seen` are the entries before them, by id; these are added.
        """
        lines = [self._binder.origins[f"{path}.{key}[{number}]"] for number in range(len(nodes))]
        found = [self._entry(node, path, line) for node, line in zip(nodes, lines, strict=True)]
        seen = {} if seen is None else seen
        tasks: list[Task | None] = []
        for entry in filter(None, found):
            tasks.append(self.bind(entry, f"{path}.{entry.id}", seen))
            if entry.id in seen:
                problem = f"is in this list twice: {seen[entry.id]} and {entry.origin}"
                self._binder.mistakes.add(entry.origin, f"{path}.{entry.id}", problem, "keep one of them")
            seen.setdefault(entry.id, entry.origin)
        return tuple(task for task in tasks if task)

    def bind(self, entry: Entry, path: str, earlier: Collection[str]) -> Task | None:
        """Bind one task; None when it, or its target, has a mistake."""
        found = self._task_kind(entry, path)
        if found is None:
            return None
        kind, task_kind, target = found
        own = self._binder.apart()
        params, shape = own.records(entry.params, path, entry.origin, task_kind.params, TaskShape)
        _check_needs(own, shape.needs if shape else (), path, earlier)
        if params is None or shape is None or target is None:
            return None
        origins = {**target.origins, **own.origins_below(path)}
        category = shape.category or kind.category
        own_fields = {"needs": shape.needs, "budget": shape.budget, "category": category, "level": shape.level}
        own_fields["on_stop"] = shape.on_stop or task_kind.on_stop
        return Task(entry.id, target, task_kind.name, params, origin=entry.origin, origins=origins, **own_fields)

    def override(self, task: Task, given: Map, path: str) -> Task | None:
        """Return a task with some parameters replaced."""
        known = self._targets[task.target.name].kind
        fields = declared(known.task(task.name).params) if known else {}
        values: dict[str, Any] = {}
        own = self._binder.apart()
        for key, (origin, node) in self._binder.entries(given, path).items():
            if key not in fields:
                self._binder.mistakes.add(origin, f"{path}.{key}", "unknown parameter", nearest(key, fields))
            else:
                own.field(values, fields[key], f"{path}.{key}", (origin, node))
        try:
            return replace(task, params=replace(task.params, **values), origins={**task.origins, **own.origins_below(path)})
        except ValueError as error:
            self._binder.mistakes.add(given.origin, path, str(error))
            return None

    def _entry(self, node: Node, path: str, origin: Origin) -> Entry | None:
        if isinstance(node, Leaf):
            return Entry(node.text, Map((), origin), origin)
        if isinstance(node, Map) and len(node.entries) == 1:
            key, params = node.entries[0]
            return Entry(key.text, params, origin)
        self._binder.mistakes.add(origin, path, "a task is one name", "write - target.task, or - target.task: {parameter: value}")
        return None

    def _task_kind(self, entry: Entry, path: str) -> tuple[Kind, TaskKind[Any, Any], Target | None] | None:
        name, _, task = entry.id.partition(".")
        if name not in self._targets:
            self._binder.mistakes.add(entry.origin, path, f"no target {shown(name)}", nearest(name, self._targets))
            return None
        known = self._targets[name]
        if known.kind is None:
            return None
        if task not in known.kind.names:
            missing = f"has no task {shown(task)}" if task else "has several tasks: name one"
            problem = f"{name} is of kind {known.kind.name}, which {missing}"
            self._binder.mistakes.add(entry.origin, path, problem, nearest(task, known.kind.names))
            return None
        return known.kind, known.kind.task(task), known.target


def _check_needs(binder: Binder, needs: tuple[str, ...], path: str, earlier: Collection[str]) -> None:
    for number, need in enumerate(needs):
        if need not in earlier:
            at = f"{path}.needs[{number}]"
            problem = f"{shown(need)} is not an earlier task of this routine"
            binder.mistakes.add(binder.origins[at], at, problem, nearest(need, earlier))
