"""Long work on a repository: progress in bytes, and a way to stop."""

from __future__ import annotations

from mainstay.kinds.kind import Session
from mainstay.system.clock import Deadline
from mainstay.vault.objects import Moved


def moving(session: Session, deadline: Deadline, total: int) -> Moved:
    """Return what the vault calls with the bytes of each chunk."""
    done = 0

    def moved(chunk: int) -> None:
        nonlocal done
        session.pulse(deadline)
        done += chunk
        session.progress(done, total, "B")

    return moved
