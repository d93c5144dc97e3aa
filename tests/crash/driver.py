"""Bring the one run of a crash world forward: launch it, or sign what it waits for, or resume it; kill -9 where asked.

usage: driver.py FOLDER [KILL_AFTER [DELAY]]     KILL_AFTER = die after that many journal writes of this process, DELAY s later
prints `settled` when nothing is left to do, else `again`
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.ledger.events import Event
from mainstay.ledger.journal import Journal
from mainstay.model.run import Status


class Deadly(Journal):
    """A journal whose process dies after its n-th write."""

    def __init__(self, state: Path, left: int, delay: float) -> None:
        super().__init__(state)
        self.left, self.delay = left, delay

    def append(self, kind: str, body: dict[str, Any], *, run: str = "", task: str = "", fence: int = 0) -> Event:
        """Write, and die when it was the last."""
        event = super().append(kind, body, run=run, task=task, fence=fence)
        self.left -= 1
        if self.left == 0 and self.delay:
            threading.Timer(self.delay, os.kill, (os.getpid(), signal.SIGKILL)).start()
        elif self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return event


def main() -> None:
    """Go one stretch of the road."""
    folder, kill_after, delay = Path(sys.argv[1]), int((sys.argv[2:] or ["0"])[0]), float((sys.argv[3:] or ["0"])[0])
    app = App.open(folder / "mainstay.yaml")
    app.__dict__["context"] = replace(app.context, journal=Deadly(app.site.state, kill_after, delay))
    known = app.runs(1)
    if not known or known[0].because.startswith("its owner ended before"):
        app.run("weekly", Launch(by="test", envelope=app.forecast("weekly").envelope, how="test"))
    elif known[0].status is Status.WAITING:
        signed = any(remark.act == "signed" for remark in known[0].remarks)
        if not signed:
            app.sign(known[0].id, "cook.sign", "test", "closed", yes=True)
        app.resume(known[0].id)
    elif not known[0].settled:
        app.resume(known[0].id)
    newest = app.runs(1)[0]
    over = newest.settled and newest.begun
    print("settled" if over else "again")


if __name__ == "__main__":
    main()
