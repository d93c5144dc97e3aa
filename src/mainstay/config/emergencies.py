"""What the section of emergencies names, checked against what there is."""

from __future__ import annotations

from mainstay.config.bind import Binder
from mainstay.config.document import Map
from mainstay.config.tasks import Entry, TaskBinder
from mainstay.model.emergency import Emergencies


def check_fixes(binder: Binder, tasks: TaskBinder, wanted: Emergencies | None) -> None:
    """Note every quick fix, and every part of the emergency mode, that is no task of this site."""
    for number, id in enumerate(wanted.mode if wanted else ()):
        origin = binder.origins[f"emergencies.mode[{number}]"]
        tasks.bind(Entry(id, Map((), origin), origin), f"emergencies.mode[{number}]", ())
    for symptom, ids in wanted.fixes.items() if wanted else ():
        for number, id in enumerate(ids):
            path = f"emergencies.fixes.{symptom}[{number}]"
            origin = binder.origins[path]
            tasks.bind(Entry(id, Map((), origin), origin), path, ())
