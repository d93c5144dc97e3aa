"""What is known of a command: how to run it, how to see whether it may run and whether it did, and how to take it back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from mainstay.model.setting import SecretRef, Setting
from mainstay.model.units import Duration, Size

Argv = tuple[str, ...]


@dataclass(frozen=True)
class Backup:
    """The commands that back up something that no kind knows. A place is a path that MAINSTAY_PLACE names; "" is what is live."""

    dump: Annotated[Argv, Setting("Writes one stream to its standard output.", example='["/usr/local/bin/dump-graph"]')]
    load: Annotated[
        Argv,
        Setting(
            "Gets that stream on its standard input and makes the new file or folder MAINSTAY_PLACE.",
            example='["/usr/local/bin/load-graph"]',
        ),
    ]
    describe: Annotated[
        Argv,
        Setting(
            "Prints lines NAME<TAB>COUNT<TAB>DIGEST of MAINSTAY_PLACE; without it a backup can be restored, but never proven."
        ),
    ] = ()
    snapshot: Annotated[
        bool, Setting("True when `dump` writes such lines about its own snapshot to the file MAINSTAY_DESCRIPTION.")
    ] = False
    places: Annotated[
        Path, Setting("The folder in which restored copies are made, and which has room for them.", writes="makes")
    ] = Path("/var/lib/mainstay/restored")
    room: Annotated[Size, Setting("Bytes of a dump: a backup does not begin where less are free.", ge=0, example="2GB")] = Size(0)
    timeout: Annotated[Duration, Setting("How long each of these commands may take.", ge=0.1, example="2h")] = Duration(3600)

    def __post_init__(self) -> None:
        if not self.dump or not self.load:
            raise ValueError("`dump` and `load` are argument lists with at least a program")
        if self.snapshot and not self.describe:
            raise ValueError("`snapshot` needs `describe`, which looks at the restored copy")


@dataclass(frozen=True)
class Settings:
    """A command as a target. Every command is an argument list; no shell reads it."""

    argv: Annotated[
        Argv,
        Setting("The program and its arguments; may be left out beside `backup`.", example='["/usr/local/bin/cleanup", "--all"]'),
    ] = ()
    timeout: Annotated[Duration, Setting("How long it may take; then its whole process group is ended.", ge=0.1)] = Duration(600)
    cwd: Annotated[Path | None, Setting("The folder it runs in.")] = None
    writes: Annotated[
        tuple[Path, ...],
        Setting("What it writes; an installed service may write nothing else.", example="[/srv/app/cache]", writes="it"),
    ] = ()
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
    undo_needs: Annotated[
        tuple[Path, ...],
        Setting("What `undo` needs: without these files and folders, or empty ones, it is not run.", example="[/srv/old.tar]"),
    ] = ()
    impact: Annotated[Literal["none", "load", "blocks_writes", "downtime"], Setting("What users notice while it runs.")] = "load"
    neutral: Annotated[
        bool, Setting("True when the meaning of what is stored stays the same, so that nothing is to be taken back.")
    ] = False
    on_unknown: Annotated[
        Literal["ask", "rerun", "undo"], Setting("What recovery does when a crash interrupted it and `done` is not given.")
    ] = "ask"
    junit: Annotated[
        str,
        Setting(
            "The JUnit XML that it writes, a path or a glob below `cwd`: it is a suite of tests, and they decide too.",
            example="reports/*.xml",
        ),
    ] = ""
    against: Annotated[
        Literal["", "test", "staging", "production"], Setting("Which environment a suite of tests works on; it has to be said.")
    ] = ""
    destructive: Annotated[
        bool,
        Setting("True when the tests empty tables or delete files: never run against production, nor a target of this site."),
    ] = False
    backup: Annotated[Backup | None, Setting("The commands that dump, load and describe what is to be backed up.")] = None

    def __post_init__(self) -> None:
        if not self.argv and not self.backup:
            raise ValueError("argv is empty: write the program and its arguments as a list")
        if self.on_unknown == "undo" and not self.undo:
            raise ValueError("on_unknown is undo, but there is no `undo` command")
        if (self.junit or self.destructive) and not self.against:
            raise ValueError("say which environment the tests work on: against: test, staging or production")
        if self.destructive and self.against == "production":
            raise ValueError("a destructive suite is not run against production")
        if self.junit and not self.cwd and not self.junit.startswith("/"):
            raise ValueError("`junit` is below `cwd`: write that, or an absolute path")

    @property
    def program(self) -> str:
        """Return what a reader knows the target by."""
        return (self.argv or (self.backup.dump if self.backup else ()))[0]
