"""One stream of a gigabyte through the vault: what memory a backup and a restore take, and how fast each part is.

usage: python -m benchmarks.backups.stream MEGABYTES FOLDER plain|delta|restore     (each act in a process of its own)
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.paths import PathStore
from mainstay.vault.repository import create_repository, open_repository
from mainstay.vault.restore import Request, restore
from mainstay.vault.store import Dump, Sink, Source, Work, unhurried

BLOCK = 1 << 20


class Made(PathStore):
    """A store of rows that are made up while they are dumped: `day` changes every 50th of them. A restore writes nothing."""

    kind = "made"

    def __init__(self, folder: Path, megabytes: int, day: int) -> None:
        self.path, self._megabytes, self._day = folder / "live", megabytes, day

    def estimate(self) -> int:
        return self._megabytes << 20

    def dump(self, sink: Sink) -> Dump:
        with sink.stream("rows") as out:
            for block in blocks(self._megabytes, self._day):
                out.write(block)
        return Dump()

    def load(self, source: Source, place: str, only: str = "") -> None:
        with source.stream("rows") as file:
            while file.read(BLOCK):
                pass
        Path(place).touch()

    def describe(self, place: str, work: Work) -> Dump:
        return Dump()


def blocks(megabytes: int, day: int = 0) -> Iterator[bytes]:
    """Yield a megabyte of rows at a time: a quarter of each is new, the rest is text that recurs."""
    line = b"%d\t%s\tcustomer %d at the corner of the street, who pays late\tnothing else is known of this one\t%d\n"
    for number in range(megabytes):
        rows = range(number * 8000, number * 8000 + 8000)
        text = b"".join(
            line
            % (row, hashlib.blake2b(b"%d" % row, digest_size=16).hexdigest().encode(), row % 977, day if row % 50 == 0 else 0)
            for row in rows
        )
        yield text[:BLOCK].ljust(BLOCK, b".")


def main() -> None:
    """Do one act."""
    megabytes, folder, act = int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    ids = [BackupId.of(datetime(2026, 11, day, tzinfo=UTC), "made", f"run-{day}") for day in (1, 2)]
    store, work = Made(folder, megabytes, int(act != "plain")), unhurried()
    began = time.perf_counter()
    if act == "plain":
        make(create_repository(folder / "repo"), store, Order(ids[0], "made", "run-1"), work)
    elif act == "delta":
        make(open_repository(folder / "repo"), store, Order(ids[1], "made", "run-2", previous=ids[0]), work)
    else:
        restore(open_repository(folder / "repo"), store, Request(ids[1], str(folder / "copy")), work)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {"peak": usage.ru_maxrss * 1024, "seconds": time.perf_counter() - began, "cpu": usage.ru_utime + usage.ru_stime}
        )
    )


if __name__ == "__main__":
    main()
