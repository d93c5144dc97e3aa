"""A setting is declared once: validation, CLI help, JSON Schema, the docs table and the report's label come from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Setting:
    """What is to be known of a setting beside its name, type and default; used as `Annotated[type, Setting(...)]`.

    help      one sentence, in the operator's words
    ge, le    bounds, both included (numbers, durations, sizes, shares)
    example   a value as it is written in YAML
    refers_to "target" or "target:sqlite,files": the value names targets (of these kinds); "routine": a routine, or a task of one
    writes    what tasks write, so that an installed service may: "it", the folder or file; "beside", the folder that holds it;
              "makes", a folder that is made when it is not there
    """

    help: str
    ge: float | None = None
    le: float | None = None
    example: str = ""
    refers_to: str = ""
    writes: Literal["", "it", "beside", "makes"] = ""


@dataclass(frozen=True)
class SecretRef:
    """Where a secret is, never the secret: `{file: PATH}`, `{credential: NAME}`, `{command: [ARGV]}` or `{env: NAME}`."""

    source: Literal["file", "credential", "command", "env"]
    value: str | tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """Where a target's processes run: on this host, or inside a container."""

    container: str = ""

    def __str__(self) -> str:
        return f"container {self.container}" if self.container else "this host"


HOST = Place()
