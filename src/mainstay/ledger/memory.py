"""What the ledger remembers of a site, for those who only read it."""

from __future__ import annotations

from pathlib import Path

from mainstay.ledger import emergencies, queries
from mainstay.ledger.journal import Journal
from mainstay.ledger.samples import Look, Samples
from mainstay.model.emergency import Emergency
from mainstay.model.run import RunRecord


class Memory:
    """Reads journal and samples of one state folder."""

    def __init__(self, state: Path) -> None:
        self.journal, self._samples = Journal(state), Samples(state)

    def look(self, target: str) -> Look | None:
        """Return the newest look at a target."""
        return self._samples.last(f"{target}.check")

    def runs(self, count: int, routine: str) -> list[RunRecord]:
        """Return the newest runs of a routine, newest first."""
        return queries.of_routine(self.journal, routine, count)

    def emergencies(self) -> list[Emergency]:
        """Return the emergencies that nobody has closed."""
        return emergencies.still_open(self.journal)

    def unsettled(self) -> list[RunRecord]:
        """Return the runs of which something may still be owed."""
        return queries.unsettled(self.journal)
