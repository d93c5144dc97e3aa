"""What can only be judged when everything is known: names that must exist, sums that must fit, orders that must hold."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from mainstay.config.bind import Binder
from mainstay.config.mistakes import nearest, shown
from mainstay.config.targets import Kinds
from mainstay.model.plan import Impact
from mainstay.model.target import Origin, Target
from mainstay.model.task import Blackout, Routine, Task, TaskClass, Window
from mainstay.model.units import Duration
from mainstay.schedule import phases

if TYPE_CHECKING:
    from mainstay.kinds.kind import TaskKind


class Checks:
    """Checks routines against one another and against the windows; `names` are those of the file, good or not."""

    def __init__(self, binder: Binder, kinds: Kinds, names: Mapping[str, Collection[str]], windows: Mapping[str, Window]) -> None:
        self._binder, self._kinds, self._names, self._windows = binder, kinds, names, windows

    def check(self, routines: Mapping[str, Routine]) -> None:
        """Note every mistake of every routine."""
        for routine in routines.values():
            self._names_known(routine)
            self._brackets(routine)
            self._checks(routine)
            self._waiting(routine)
            self._phases_hold(routine)
            if routine.window in self._windows:
                fits = self._phases_fit if routine.phases else self._fits
                fits(routine, self._windows[routine.window])
                self._impact(routine, self._windows[routine.window])

    def check_questions(
        self, targets: Mapping[str, Target], routines: Mapping[str, Routine], blackouts: Mapping[str, Blackout]
    ) -> None:
        """Note every query that is asked of a target whose kind answers none."""
        asked = [
            (f"routines.{one.name}.quiet.query", one.quiet.target) for one in routines.values() if one.quiet and one.quiet.query
        ]
        asked += [(f"blackouts.{one.name}.moment.query", one.moment.target) for one in blackouts.values() if one.moment]
        for path, name in asked:
            if name in targets and self._kinds.load(targets[name].kind).scalar is None:
                problem = f"a target of kind {targets[name].kind} answers no query"
                self._binder.mistakes.add(self._binder.origins[path], path, problem)

    def _names_known(self, routine: Routine) -> None:
        if routine.window and routine.window not in self._names["windows"]:
            hint = nearest(routine.window, self._names["windows"])
            self._add(routine, "window", f"no window {shown(routine.window)}", hint)
        for number, name in enumerate(routine.replaces):
            if name not in self._names["routines"]:
                self._add(routine, f"replaces[{number}]", f"no routine {shown(name)}", nearest(name, self._names["routines"]))
            elif name == routine.name:
                self._add(routine, f"replaces[{number}]", "a routine cannot replace itself")

    def _brackets(self, routine: Routine) -> None:
        for task in routine.around:
            if not self._kind(task).bracket:
                self._add(
                    routine, task.id, "is not a bracket: nothing in it is taken back at the end", "move it to tasks", task.origin
                )

    def _checks(self, routine: Routine) -> None:
        asked = (task for one in routine.requires for task in one.checks)
        for task in (*routine.checks, *routine.looks, *asked):
            if self._kind(task).task_class is not TaskClass.CHECK:
                self._add(routine, task.id, "is not a check", f"write {task.target.name}.check", task.origin)

    def _waiting(self, routine: Routine) -> None:
        """Nobody is waited for while an outage lasts: from the first to the last task that is inside the brackets.

        Approval is asked for before its task, so the first of them may need it.
        """
        inside = [
            number
            for number, task in enumerate(routine.tasks)
            if self._kind(task).highest_impact(task.target.settings, task.params) >= Impact.BLOCKS_WRITES
        ]
        if not routine.around or not inside:
            return
        approved = {task.id for task in routine.tasks[inside[0] + 1 : inside[-1] + 1] if task.level in ("approve", "manual")}
        for task in routine.tasks[inside[0] : inside[-1] + 1]:
            if self._kind(task).waits or task.id in approved:
                first, last = routine.tasks[inside[0]].id, routine.tasks[inside[-1]].id
                problem = f"waits for a person while {routine.around[0].id} is in force, from {first} to {last}"
                self._add(routine, task.id, problem, f"move it before {first} or after {last}", task.origin)

    def _fits(self, routine: Routine, window: Window) -> None:
        parts = [(task.id, task.budget) for task in (*routine.around, *routine.tasks) if task.budget]
        parts += [(name, length) for name, length in (("rollback", routine.rollback), ("buffer", routine.buffer)) if length]
        total = Duration(sum(length for _, length in parts))
        if total > window.length:
            listed = " + ".join(f"{name} {length}" for name, length in parts)
            problem = f"needs {total} ({listed}), and window {window.name} lasts {window.length} ({window.origin})"
            self._add(routine, "", problem, f"lengthen the window or lower budgets by {Duration(total - window.length)}")

    def _phases_hold(self, routine: Routine) -> None:
        """Every phase has to have room for its tasks."""
        budgets = {task.id: task.budget for task in routine.tasks if task.budget}
        for phase in routine.phases:
            parts = [(id, budgets[id]) for id in phase.tasks if id in budgets]
            total = Duration(sum(length for _, length in parts))
            if total > phase.budget:
                listed = " + ".join(f"{name} {length}" for name, length in parts)
                problem = f"its tasks need {total} ({listed}), and its budget is {phase.budget}"
                hint = f"raise the budget, or lower those of its tasks, by {Duration(total - phase.budget)}"
                self._add(routine, f"phases.{phase.name}", problem, hint)

    def _phases_fit(self, routine: Routine, window: Window) -> None:
        """The first phase that ends too late is told, with what has to follow it: rollback, buffer and brackets."""
        kept = [(task.id, task.budget) for task in routine.around if task.budget]
        kept += [(name, length) for name, length in (("rollback", routine.rollback), ("buffer", routine.buffer)) if length]
        free = window.length - sum(length for _, length in kept)
        for number, phase in enumerate(routine.phases, 1):
            ends = phases.length(routine.phases[:number], window.rule)
            if ends > free:
                also = "".join(f" + {name} {length}" for name, length in kept)
                lasts = f"window {window.name} lasts {window.length} ({window.origin})"
                problem = f"ends {ends} after the slot begins{also}, and {lasts}"
                hint = f"lengthen the window, or lower budgets, by {Duration(ends - free)}"
                self._add(routine, f"phases.{phase.name}", problem, hint)
                return

    def _impact(self, routine: Routine, window: Window) -> None:
        for task in (*routine.around, *routine.tasks):
            impact = self._kind(task).highest_impact(task.target.settings, task.params)
            if impact > window.max_impact:
                allowed = f"max_impact {window.max_impact.name.lower()} of window {window.name} ({window.origin})"
                hint = f"set max_impact: {impact.name.lower()} there, or use another window"
                self._add(routine, task.id, f"may cause {impact.name.lower()}, above {allowed}", hint, task.origin)

    def _kind(self, task: Task) -> TaskKind[Any, Any]:
        return self._kinds.load(task.target.kind).task(task.name)

    def _add(self, routine: Routine, key: str, problem: str, hint: str = "", origin: Origin | None = None) -> None:
        path = f"routines.{routine.name}" + (f".{key}" if key else "")
        at = origin or self._binder.origins.get(path) or self._binder.origins[f"routines.{routine.name}"]
        self._binder.mistakes.add(at, path, problem, hint)
