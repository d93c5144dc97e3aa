"""A consistent copy of a live database.

VACUUM INTO copies one snapshot and holds up no writer in WAL mode (18-82 ms for a compact 30 MB). Copying the file misses what
is still in the write-ahead log, and the online backup API in small steps begins anew after every write of another connection.
"""

from __future__ import annotations

import os
from pathlib import Path

from mainstay.kinds.sqlite.database import Database, attended, explained, open_database, scalar
from mainstay.kinds.sqlite.integrity import check_pages
from mainstay.model.units import Duration, Size
from mainstay.vault.store import Pulse

AS_IS = "mode=ro&immutable=1"  # a file that nobody writes: no lock, no log, no file beside it


def copy_into(connection: Database, path: Path, pulse: Pulse) -> None:
    """Write a snapshot to a new file and make it durable (VACUUM INTO itself does not)."""
    attended(connection, lambda: _copy(connection, path), pulse)
    fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        os.fchmod(fd, 0o600)
        os.fsync(fd)
    finally:
        os.close(fd)


def _copy(connection: Database, path: Path) -> None:
    pages = scalar(connection, "PRAGMA page_count") - scalar(connection, "PRAGMA freelist_count")
    with explained(path, Size(pages * scalar(connection, "PRAGMA page_size"))):
        connection.execute("VACUUM INTO ?", (str(path),))


def problems_of(path: Path, pulse: Pulse) -> tuple[str, ...]:
    """Check a file that nobody writes, to its last page."""
    with open_database(path, Duration(0), AS_IS) as copy:
        return attended(copy, lambda: check_pages(copy), pulse)
