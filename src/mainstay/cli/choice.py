"""Which tasks of a routine are run: all of them, or those that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mainstay.model.errors import ConfigError
from mainstay.model.task import Routine


@dataclass(frozen=True)
class Choice:
    """Tasks by id: `only` these, without these (`skip`), or all from `start` on."""

    only: Sequence[str] = ()
    skip: Sequence[str] = ()
    start: str = ""

    def of(self, routine: Routine) -> Routine:
        """Return the routine narrowed to the choice; ConfigError for a task that it has not, or one whose needs are left out."""
        if not (self.only or self.skip or self.start):
            return routine
        ids = [task.id for task in routine.tasks]
        for id in (*self.only, *self.skip, *([self.start] if self.start else [])):
            if id not in ids:
                raise ConfigError(f"the routine {routine.name} has no task {id!r}", next=f"its tasks: {', '.join(ids)}")
        begun = ids[ids.index(self.start) :] if self.start else ids
        chosen = [id for id in begun if id not in self.skip and (not self.only or id in self.only)]
        return replace(routine, tasks=tuple(task for task in routine.tasks if _complete(task.id, task.needs, chosen)))


def _complete(id: str, needs: Sequence[str], chosen: Sequence[str]) -> bool:
    if id not in chosen:
        return False
    left_out = [need for need in needs if need not in chosen]
    if left_out:
        raise ConfigError(f"{id} needs {', '.join(left_out)}, which is left out", next=f"choose it too, or run {id} by itself")
    return True
