"""What is maintained, and where its configuration was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from mainstay.model.setting import HOST, Place

Privilege = Literal["user", "root"]


@dataclass(frozen=True)
class Origin:
    """The file and line where a value was written."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Target:
    """One maintained thing: `settings` is the settings dataclass of its kind.

    With `privilege` "root", a process that is not root has it looked at and worked on by the root unit.
    """

    name: str
    kind: str
    settings: Any
    place: Place = HOST
    origin: Origin | None = None
    origins: dict[str, Origin] = field(default_factory=dict)
    privilege: Privilege = "user"
