"""Work in batches so short that nobody notices them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mainstay.kinds.postgres.statement import LockNotAvailable
from mainstay.system import clock

_BATCH = 0.03  # seconds that a batch may hold its rows
_REST = 0.5  # of the time of a batch


@dataclass
class Pace:
    """How much the next batch takes on, in whatever unit: as much as the last ones could do in 30 ms."""

    amount: int
    most: int

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Measure what is done inside, adapt the amount, and rest. A batch that loses a race for a lock is left out."""
        began = clock.monotonic()
        try:
            yield
        except LockNotAvailable:
            self.amount = max(1, self.amount // 2)
        took = clock.monotonic() - began
        if took > _BATCH:
            self.amount = max(1, self.amount // 2)
        elif took < _BATCH / 2:
            self.amount = min(self.most, self.amount * 2)
        clock.sleep(took * _REST)
