"""The estimated size after a rebuild is within 15 % of the size after VACUUM FULL, for heap, TOAST and each index apart."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.promises.goal import Goal
from tests.kinds.postgres.conftest import fresh_database
from tests.kinds.postgres.shapes import build, outcomes, printed
from tests.live.postgres_server import server


def measure() -> Iterator[Goal]:
    """Bloat every shape, estimate, VACUUM FULL, compare; the table of errors goes to the terminal."""
    with tempfile.TemporaryDirectory(prefix="shapes-") as folder, server(Path(folder)) as running:
        running.extend()
        with fresh_database(running) as database:
            build(database)
            found = outcomes(database)
    print(printed(found), file=sys.stderr)
    short = [one for one in found if not one.good]
    worst = max(abs(one.missed or 0) for one in found)
    told = f"{len(found)} relations of {len({one.shape for one in found})} shapes, worst {worst:.1%}, {len(short)} beyond"
    yield Goal(
        "estimates of a rebuild", "within 15 % on ten shapes", told, ok=not short and len({one.shape for one in found}) >= 10
    )
