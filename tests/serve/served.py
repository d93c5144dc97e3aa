"""A small site of commands, and the real service that keeps it going."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAM = [sys.executable, "-P", "-m", "mainstay.cli"]
ALWAYS = {"rule": "every 1m", "length": "2m", "max_impact": "downtime"}  # a slot is open at any time


@dataclass
class Service:
    """A service that is at work, and what it has told."""

    process: subprocess.Popen[str]
    log: Path

    @property
    def told(self) -> str:
        return self.log.read_text()

    def hangup(self) -> None:
        self.process.send_signal(signal.SIGHUP)

    def terminate(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=30)


class Site:
    """Builds a site, calls the program, and starts the service."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "mainstay.yaml"
        self.effects = folder / "effects"
        self.effects.touch()
        self.settings: dict[str, Any] = {"site": "served", "timezone": "UTC", "state": str(folder / "state"), "targets": {}}
        self.settings |= {"routines": {}, "windows": {}, "checks": {"every": "1h"}}

    def command(self, name: str, text: str, **settings: Any) -> None:
        """Add a command that nobody notices and that may be repeated."""
        usual = {"impact": "none", "on_unknown": "rerun", "neutral": True}
        self.settings["targets"][name] = {"kind": "command", "argv": self.script(text), **usual, **settings}

    def script(self, text: str) -> list[str]:
        return ["/bin/sh", "-c", f"E={self.effects}; {text}"]

    def routine(self, name: str, *tasks: str, window: dict[str, Any] | None = None, **more: Any) -> None:
        """Add a routine with a window of its own, or none."""
        self.settings["routines"][name] = {"tasks": [{task: {"budget": "1s"}} for task in tasks], **more}
        if window:
            self.settings["windows"][name] = window

    def write(self) -> None:
        self.file.write_text(json.dumps(self.settings, indent=1))  # JSON is YAML

    def call(self, *words: str, code: int = 0, user: str = "", before: tuple[str, ...] = ()) -> str:
        """Return what a call printed, errors too."""
        other = ["setpriv", f"--reuid={user}", "--regid=65534", "--clear-groups"] if user else []
        argv = [*before, *other, *PROGRAM, "--config", str(self.file), *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd="/", check=False)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def runs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.call("runs", "--json"))["runs"]
        return found

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Return the bodies of the events of a kind, oldest first."""
        from mainstay.ledger.journal import Journal

        journal = Journal(self.folder / "state")
        found = [event.body for event in journal.events(kinds=(kind,))]
        journal.close()
        return found

    def done(self) -> list[str]:
        return self.effects.read_text().split()

    @contextmanager
    def serving(self, number: int = 0, before: tuple[str, ...] = (), **environment: str) -> Iterator[Service]:
        """Start the service, wait until it serves, and end it and all that it has started."""
        self.write()
        log = self.folder / f"serve{number}.log"
        argv = [*before, *PROGRAM, "--config", str(self.file), "serve"]
        with log.open("w") as file:
            process = subprocess.Popen(argv, stdout=file, stderr=file, text=True, env={**os.environ, **environment}, cwd="/")
        service = Service(process, log)
        try:
            until(lambda: "serving served" in service.told or process.poll() is not None, lambda: service.told)
            assert process.poll() is None, service.told
            yield service
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(timeout=30)
            self.end_children()

    def end_children(self) -> None:
        """End what a killed service has left, by the configuration that it was started with."""
        copies = f"{self.folder / 'state' / 'serve'}/".encode()
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and copies in (entry / "cmdline").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                continue


def until(holds: Callable[[], object], told: Callable[[], str] = lambda: "", seconds: float = 30) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, told()
        time.sleep(0.05)
