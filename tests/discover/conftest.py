from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest

from mainstay.kinds.kind import Found, Kind, NoParams, Session, TaskKind
from mainstay.model.errors import Unreachable
from mainstay.model.plan import Impact, On
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration


@dataclass(frozen=True)
class ShelfSettings:
    path: Annotated[Path, Setting("where it is")]
    every: Annotated[Duration, Setting("how often")] = Duration(60)
    labels: Annotated[dict[str, str], Setting("what it is called")] = field(default_factory=dict)


class Tidy(TaskKind[None, Any]):
    name = "tidy"
    summary = "Tidies."
    task_class = TaskClass.CARE
    facts: ClassVar[type] = NoParams

    def observe(self, session: Session, on: On | None = None) -> None: ...


class Move(Tidy):
    name = "move"
    impact = Impact.DOWNTIME


def look() -> list[Found]:
    settings = {"path": Path("/srv/a b"), "every": Duration(7200)}
    return [Found("shelf", settings, "two metres of books", ("tidy",), ("move", "tidy")), Found("shelf", {"path": "/b"}, "")]


def blind() -> list[Found]:
    raise Unreachable("cannot look", on="the cellar")


class Kinds:
    """The kinds of a site, as the registry hands them out."""

    PLANNED = ("postgres",)

    def __init__(self) -> None:
        tasks = (Tidy(), Move())
        self._kinds = {
            "shelf": Kind("shelf", "A shelf.", ShelfSettings, tasks, discover=look),
            "cellar": Kind("cellar", "A cellar.", ShelfSettings, tasks, discover=blind),
        }

    def names(self) -> tuple[str, ...]:
        return tuple(self._kinds)

    def load(self, name: str) -> Kind:
        return self._kinds[name]


@pytest.fixture(scope="session")
def kinds() -> Kinds:
    return Kinds()
