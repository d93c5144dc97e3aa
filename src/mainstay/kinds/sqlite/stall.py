"""How long VACUUM would keep an application waiting, before it is tried."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mainstay.model.units import Duration, Size
from mainstay.system import clock

_SAMPLE = Size(4 << 20)
_PASSES = 3  # the pages in use are written to a temporary file, to the log or journal, and into the database
_CORE = Size(80_000_000)  # bytes a second that VACUUM moves on a fast disk (measured 70 to 190 MB/s, one core of two)


def rate(folder: Path) -> Size:
    """Return bytes a second that a VACUUM beside `folder` can be relied on to move now, from small durable writes.

    The writes go into a file without a name, so that nothing is seen or left; the slowest of three is believed.
    """
    times = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(3):
            began = clock.monotonic()
            file.write(bytes(_SAMPLE))
            os.fsync(file.fileno())
            times.append(clock.monotonic() - began)
    return Size(min(_CORE, _SAMPLE / max(*times, 1e-6) / _PASSES))


def stall(live: Size, rate: Size, *, wal: bool) -> Duration:
    """Estimate the stall of every write; without a write-ahead log the check of the pages afterwards stops writers too."""
    return Duration((1 if wal else 2) * live / max(rate, 1))
