"""What is known of a command: how to run it, how to see whether it may run and whether it did, and how to take it back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from mainstay.model.setting import SecretRef, Setting
from mainstay.model.units import Duration, Size

Argv = tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """A command as a target. Every command is an argument list; no shell reads it."""

    argv: Annotated[Argv, Setting("The program and its arguments.", example='["/usr/local/bin/cleanup", "--all"]')]
    timeout: Annotated[Duration, Setting("How long it may take; then its whole process group is ended.", ge=0.1)] = Duration(600)
    cwd: Annotated[Path | None, Setting("The folder it runs in.")] = None
    environment: Annotated[
        dict[str, str | SecretRef],
        Setting("Variables it gets beside PATH, HOME, LANG, LC_ALL, TZ and TMPDIR.", example="{MODE: fast}"),
    ] = field(default_factory=dict)
    ok_codes: Annotated[tuple[int, ...], Setting("Exit codes that mean success.")] = (0,)
    deferred_codes: Annotated[tuple[int, ...], Setting("Exit codes that mean: not now, and not a failure.")] = ()
    keep_output: Annotated[Size, Setting("How much of its output is kept; the rest is read and dropped.", ge=0, le=16000)] = Size(
        8000
    )
    before: Annotated[Argv, Setting("A command that must end with 0 before it is run.")] = ()
    after: Annotated[Argv, Setting("A command that must end with 0 afterwards.")] = ()
    done: Annotated[
        Argv,
        Setting("A command that ends with 0 exactly when the effect is in place: it is asked before, after, and after a crash."),
    ] = ()
    undo: Annotated[Argv, Setting("The command that takes it back; it must bear being run twice.")] = ()
    impact: Annotated[Literal["none", "load", "blocks_writes", "downtime"], Setting("What users notice while it runs.")] = "load"
    neutral: Annotated[
        bool, Setting("True when the meaning of what is stored stays the same, so that nothing is to be taken back.")
    ] = False
    on_unknown: Annotated[
        Literal["ask", "rerun", "undo"], Setting("What recovery does when a crash interrupted it and `done` is not given.")
    ] = "ask"

    def __post_init__(self) -> None:
        if not self.argv:
            raise ValueError("argv is empty: write the program and its arguments as a list")
        if self.on_unknown == "undo" and not self.undo:
            raise ValueError("on_unknown is undo, but there is no `undo` command")
