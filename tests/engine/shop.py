"""A site of commands: each writes its name into one log, so that a test reads what really happened, in order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mainstay.app import App


class Shop:
    """Builds targets and routines, opens the site, and reads the log of effects."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "effects.log"
        self.targets: dict[str, Any] = {}
        self.routines: dict[str, Any] = {}
        self.windows: dict[str, Any] = {}
        self.blackouts: dict[str, Any] = {}
        self.more: dict[str, Any] = {}

    def script(self, text: str) -> list[str]:
        """Return the argument list of a shell script; `$LOG` is the log of effects."""
        return ["/bin/sh", "-c", f"LOG={self.log}; {text}"]

    def command(self, name: str, text: str = "", **settings: Any) -> None:
        """Add a command target that logs its name, or runs `text`."""
        argv = self.script(text or f"echo {name} >> $LOG")
        self.targets[name] = {"kind": "command", "argv": argv, **settings}

    def change(self, name: str, **settings: Any) -> None:
        """Add a command that can be asked whether it is in force, and taken back."""
        holds = self.script(f'test "$(grep -xE "(un)?{name}" $LOG | tail -n 1)" = {name}')
        undo = self.script(f"echo un{name} >> $LOG")
        self.command(name, **{"done": holds, "undo": undo, "impact": "downtime", **settings})

    def open(self) -> App:
        """Write the configuration and open it."""
        self.log.touch()
        site = {"site": "shop", "timezone": "Europe/Berlin", "state": str(self.folder / "state"), "targets": self.targets}
        path = self.folder / "mainstay.yaml"
        calendar = {"windows": self.windows, "blackouts": self.blackouts}
        path.write_text(json.dumps({**site, "routines": self.routines, **calendar, **self.more}, indent=1))  # JSON is YAML
        return App.open(path)

    @property
    def effects(self) -> list[str]:
        """What was done, in order."""
        return self.log.read_text().split()
