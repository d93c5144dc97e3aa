"""What is maintained, and where its configuration was written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mainstay.model.setting import HOST, Place


@dataclass(frozen=True)
class Origin:
    """The file and line where a value was written."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Target:
    """One maintained thing: `settings` is the settings dataclass of its kind."""

    name: str
    kind: str
    settings: Any
    place: Place = HOST
    origin: Origin | None = None
    origins: dict[str, Origin] = field(default_factory=dict)
