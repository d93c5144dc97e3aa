"""What the loops of a service share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mainstay.app import App
from mainstay.serve.workers import Workers


@dataclass
class Common:
    """One service.

    app     the site in force; replaced when its configuration is read anew
    file    the configuration that children read: a copy of the one in force
    socket  where other users ask
    say     tells the operator: a line on standard error
    over    set when the service stops
    """

    app: App
    file: Path
    socket: Path
    say: Callable[[str], None]
    workers: Workers = field(default_factory=Workers)
    over: threading.Event = field(default_factory=threading.Event)

    def words(self, *words: str) -> list[str]:
        """Return the words of a call of this program under the configuration in force."""
        return ["--config", str(self.file), *words]
