"""Do one verb on a site, and die by kill -9 right after the n-th event of a kind was written.

usage: die.py CONFIG KIND|any COUNT run ROUTINE | schedule ROUTINE | mode_on TARGET | resume RUN | roll_back RUN
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.ledger.events import Event
from mainstay.ledger.journal import Journal
from mainstay.model.units import Duration

ROOT = Path(__file__).parents[2]


class Dying(Journal):
    """A journal whose process dies after the n-th event of a kind."""

    def __init__(self, state: Path, kind: str, left: int) -> None:
        super().__init__(state)
        self.kind, self.left = kind, left

    def append(self, kind: str, body: dict[str, Any], *, run: str = "", task: str = "", fence: int = 0) -> Event:
        """Write, and die when it was the one."""
        event = super().append(kind, body, run=run, task=task, fence=fence)
        self.left -= self.kind in ("any", kind)
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        return event


def die(folder: Path, kind: str, count: int, *verb: str) -> str:
    """Let another process do it, see it die, and return the id of its run."""
    argv = [sys.executable, "-m", "tests.crash.die", str(folder / "mainstay.yaml"), kind, str(count), *verb]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return App.open(folder / "mainstay.yaml").runs(1)[0].id


def main() -> None:
    """Do the verb."""
    path, kind, count, verb, on = sys.argv[1:]
    app = App.open(Path(path))
    app.__dict__["context"] = replace(app.context, journal=Dying(app.site.state, kind, int(count)))
    if verb == "run":
        app.run(on, Launch(by="ann", envelope=app.forecast(on).envelope))
    elif verb == "mode_on":
        app.mode_on(on, Duration(600), "a test")
    elif verb == "schedule":
        app.run(on, Launch(by="timer", attended=False, scheduled=True))
    else:
        getattr(app, verb)(on)


if __name__ == "__main__":
    main()
