"""Work in batches so short that nobody notices them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mainstay.kinds.postgres.statement import LockNotAvailable
from mainstay.system import clock

_BATCH = 0.03  # seconds that a batch may hold its rows
_LATE = 0.1  # seconds after which a batch has to come to its end
_REST = 0.5  # of the time of a batch


@dataclass
class Pace:
    """How much the next batch takes on, in whatever unit: as much as the last ones could do in 30 ms."""

    amount: int
    most: int
    began: float = 0.0

    @property
    def late(self) -> bool:
        """Tell whether the batch should end with what it has done."""
        return clock.monotonic() - self.began > _LATE

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Measure what is done inside, adapt the amount, and rest. A batch that loses a race for a lock is left out."""
        self.began = clock.monotonic()
        try:
            yield
        except LockNotAvailable:
            self.amount = max(1, self.amount // 2)
        took = clock.monotonic() - self.began
        if took > _BATCH:
            self.amount = max(1, self.amount // 2)
        elif took < _BATCH / 2:
            self.amount = min(self.most, self.amount * 2)
        clock.sleep(took * _REST)
