"""Deliver what a site owes, and die by kill -9 just before or just after the n-th write of outbox or journal.

usage: die.py CONFIG COUNT before|after      writes what was being written to FOLDER/killed
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mainstay.app import App
from mainstay.ledger.events import Event
from mainstay.ledger.journal import Journal
from mainstay.notify.deliver import Pace, Post
from mainstay.notify.outbox import Outbox


class Fuse:
    """Counts writes of all threads, and kills at one of them."""

    def __init__(self, folder: Path, left: int, when: str) -> None:
        self.folder, self.left, self.when, self.lock = folder, left, when, threading.RLock()

    def burn(self, when: str, what: str) -> None:
        if when == self.when:
            self.left -= 1
            if self.left == 0:
                (self.folder / "killed").write_text(what, encoding="utf-8")
                os.kill(os.getpid(), signal.SIGKILL)


class DyingOutbox(Outbox):
    fuse: Fuse

    def _write(self, changes: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        found = list(changes)
        what = "sent" if found[0][1][:1] == ("sent",) else "other"
        with self.fuse.lock:
            self.fuse.burn("before", what)
            super()._write(found)
            self.fuse.burn("after", what)


class DyingJournal(Journal):
    fuse: Fuse

    def append(self, kind: str, body: dict[str, Any], *, run: str = "", task: str = "", fence: int = 0) -> Event:
        with self.fuse.lock:
            self.fuse.burn("before", "other")
            event = super().append(kind, body, run=run, task=task, fence=fence)
            self.fuse.burn("after", "other")
            return event


def main() -> None:
    path, count, when = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    app = App.open(path)
    fuse = Fuse(path.parent, count, when)
    outbox, journal = DyingOutbox(app.site.state), DyingJournal(app.site.state)
    outbox.fuse = journal.fuse = fuse
    done = Post(replace(app.context, journal=journal), outbox, Pace(first=0.01, most=0.01)).once()
    print(done.owed)


if __name__ == "__main__":
    main()
