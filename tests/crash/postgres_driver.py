"""Bring one run of a site forward, and let something die at a chosen effect of it.

usage: postgres_driver.py CONFIG ROUTINE [VICTIM EVENT COUNT DELAY POSTMASTER]
VICTIM is `mainstay` (this process, kill -9), `backend` (the process at the server that works for it, kill -9) or `server` (the
postmaster POSTMASTER, immediate shutdown); it dies DELAY seconds after the COUNT-th EVENT: `statement`, `child` or `journal`.
The file CONFIG.fired says that it did. Prints the status of the run.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.ledger.events import Event
from mainstay.ledger.journal import Journal

EVENTS = {"statement": "mainstay.postgres", "child": "subprocess.Popen"}
WORKERS = "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'mainstay %' AND pid <> pg_backend_pid() ORDER BY state"


class Bomb:
    """Counts one sort of event and fires after the chosen one."""

    def __init__(self, config: Path, victim: str, event: str, count: str, delay: str, postmaster: str) -> None:
        self.fired, self.victim, self.event = config.with_suffix(".fired"), victim, event
        self.left, self.delay, self.postmaster = int(count), float(delay), int(postmaster)
        self.dsn = str(next(iter(App.open(config).site.targets.values())).settings.dsn)

    def hear(self, event: str, _args: Any = ()) -> None:
        """Count an event."""
        if event != EVENTS.get(self.event, self.event):
            return
        self.left -= 1
        if self.left == 0 and self.delay:
            threading.Timer(self.delay, self.go_off).start()
        elif self.left == 0:
            self.go_off()

    def go_off(self) -> None:
        """Let the victim die."""
        self.fired.touch()
        if self.victim == "mainstay":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.victim == "server":
            os.kill(self.postmaster, signal.SIGQUIT)
            return
        with suppress(psycopg.Error), psycopg.connect(self.dsn, autocommit=True) as connection:
            for (pid,) in connection.execute(WORKERS).fetchall():
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)


class Heard(Journal):
    """A journal that tells the bomb of its writes."""

    def __init__(self, state: Path, bomb: Bomb) -> None:
        super().__init__(state)
        self.bomb = bomb

    def append(self, kind: str, body: dict[str, Any], *, run: str = "", task: str = "", fence: int = 0) -> Event:
        """Write, then tell."""
        event = super().append(kind, body, run=run, task=task, fence=fence)
        self.bomb.hear("journal")
        return event


def main() -> None:
    """Launch the run, or go on with it."""
    config, routine, *armed = Path(sys.argv[1]), *sys.argv[2:]
    app = App.open(config)
    if armed:
        bomb = Bomb(config, *armed)
        app.__dict__["context"] = replace(app.context, journal=Heard(app.site.state, bomb))
    known = app.runs(1)
    envelope = None if known else app.forecast(routine).envelope
    if armed:
        sys.addaudithook(bomb.hear)
    if not known:
        app.run(routine, Launch(by="test", envelope=envelope, how="test"))
    elif not known[0].settled:
        app.resume(known[0].id)
    newest = app.runs(1)[0]
    print("settled" if newest.settled else "open", newest.status, newest.because)


if __name__ == "__main__":
    main()
