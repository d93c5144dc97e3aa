"""What the engine works with: the site, the memory, the kinds, and somebody who listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from mainstay.engine import by_root
from mainstay.kinds.kind import Kind, TaskKind
from mainstay.ledger.events import Event
from mainstay.ledger.journal import Journal
from mainstay.ledger.samples import Samples
from mainstay.model.run import RunRecord
from mainstay.model.target import Target
from mainstay.model.task import Site, Task
from mainstay.system import locks
from mainstay.system.process import Door
from mainstay.vault.store import Store


class Listener(Protocol):
    """Somebody who watches a run: a terminal, a web page, a test."""

    def event(self, record: RunRecord, event: Event) -> None:
        """Hear of a committed event and the record that it led to."""

    def progress(self, task: str, done: float, total: float, unit: str) -> None:
        """Hear how far a long step is; total is 0 when nobody knows."""


class Silence:
    """Nobody listens."""

    def event(self, record: RunRecord, event: Event) -> None:
        """Ignore it."""

    def progress(self, task: str, done: float, total: float, unit: str) -> None:
        """Ignore it."""


@dataclass(frozen=True)
class Context:
    """Everything a run needs that outlives it."""

    site: Site
    journal: Journal
    samples: Samples
    load: Callable[[str], Kind]
    listener: Listener = field(default_factory=Silence)
    wish: Callable[[], bool] = field(default=lambda: False)  # somebody at this process wants it to stop

    def kind(self, target: Target) -> Kind:
        """Return the kind of a target."""
        return self.load(target.kind)

    def task_kind(self, task: Task) -> TaskKind[Any, Any]:
        """Return the kind of a task; of a target that needs root, as far as this process may be it."""
        kind = self.kind(task.target).task(task.name)
        return by_root.lent(kind, task, self.site.serve.root) if by_root.is_needed(task.target) else kind

    def resource(self, target: Target) -> str:
        """Return the identity of a target."""
        return self.kind(target).resource(target)

    def stores(self, door: Door) -> Mapping[str, Store]:
        """How each target of the site is dumped and loaded, by name; their programs start as those of `door` do."""
        makers = {target.name: (self.kind(target).store, target) for target in self.site.targets.values()}
        made = {name: make(target, replace(door, place=target.place)) for name, (make, target) in makers.items() if make}
        return {name: store for name, store in made.items() if store}

    @property
    def locks(self) -> Path:
        """The folder of the lock files."""
        return self.site.state / "locks"

    def run_lock(self, run: str) -> str:
        """Return the resource whose lock says that a run has a living owner."""
        return locks.of_run(run)
