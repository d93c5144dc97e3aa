"""Wait for a signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.kind import Session, TaskKind
from mainstay.model.plan import On
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration


@dataclass(frozen=True)
class Facts:
    """What is asked."""

    text: str


@dataclass(frozen=True)
class Params:
    """How long an answer may take."""

    expires: Annotated[Duration, Setting("After this time without an answer the item has failed; 0 waits for ever.", ge=0)] = (
        Duration(0)
    )


class Sign(TaskKind[Facts, Params]):
    """An item that a person signs or declines; the engine parks the run meanwhile."""

    name = "sign"
    summary = "Park the run until a person signs (`mainstay sign`), then look again and go on"
    task_class = TaskClass.CARE
    facts = Facts
    params = Params
    waits = True

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Return the question."""
        return Facts(session.target.settings.text)
