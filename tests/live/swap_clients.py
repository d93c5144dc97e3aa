"""Writers that go on while databases change their names, each in a thread of one process of its own.

usage: swap_clients.py DSN COUNT      writes until its input ends, then prints what `Seen` holds as JSON

Each commits numbers into the table `written` of whatever database it reaches, and reads in the same transaction from its table
`was` what that database was called. A client whose connection ends connects again at once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

TABLES = "CREATE TABLE written(client int, number int); CREATE TABLE was AS SELECT '{}'::text AS name"
ROOT = Path(__file__).parents[2]
PAUSE = 0.002  # seconds between two transactions of a client


@dataclass
class Seen:
    """What clients saw: acknowledged commits as [client, number, database], seconds without a commit, and errors by message.

    `gaps` are those in which a client came from one database to another, `usual` the longest of the others, both by client.
    """

    committed: list[tuple[int, int, str]] = field(default_factory=list)
    gaps: dict[str, float] = field(default_factory=dict)
    usual: dict[str, float] = field(default_factory=dict)
    errors: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        longest, usual = max(self.gaps.values()), max(self.usual.values())
        errors = self.errors.total()
        return f"longest gap {longest:.3f} s (else {usual:.3f} s), {len(self.committed)} commits, {errors} errors"

    def numbers(self, database: str) -> set[tuple[int, int]]:
        """Return what was committed in a database."""
        return {(client, number) for client, number, where in self.committed if where == database}

    def order(self, client: int) -> list[str]:
        """Return the databases that a client has met, in their order."""
        met: list[str] = []
        for one, _, where in self.committed:
            if one == client and where not in met[-1:]:
                met.append(where)
        return met


@contextmanager
def writing(dsn: str, count: int) -> Iterator[Seen]:
    """Let clients write for as long as the block lasts; afterwards the value says what they saw."""
    argv, seen = [sys.executable, "-m", "tests.live.swap_clients", dsn, str(count)], Seen()
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdin
    assert process.stdout
    try:
        assert process.stdout.readline() == "all write\n"
        yield seen
        printed, _ = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    told = json.loads(printed)
    seen.committed += [(client, number, where) for client, number, where in told["committed"]]
    seen.gaps.update(told["gaps"])
    seen.usual.update(told["usual"])
    seen.errors.update(told["errors"])


class Client:
    """One writer."""

    def __init__(self, dsn: str, number: int, seen: Seen, stop: threading.Event) -> None:
        self.dsn, self.number, self.seen, self.stop = dsn, number, seen, stop
        self.wrote = threading.Event()
        self.thread = threading.Thread(target=self.write)

    def write(self) -> None:
        """Commit one number after the other until told to stop."""
        connection: psycopg.Connection[Any] | None = None
        count, last, before = 0, 0.0, ""
        while not self.stop.is_set():
            try:
                if connection is None or connection.closed:
                    connection = psycopg.connect(self.dsn, connect_timeout=10, prepare_threshold=None)
                count += 1
                connection.execute("INSERT INTO written VALUES (%s, %s)", (self.number, count))
                [(where,)] = connection.execute("SELECT name FROM was").fetchall()
                connection.commit()
            except psycopg.Error as error:
                self.seen.errors[" ".join(str(error).split())[-120:]] += 1
                connection = None
                continue
            now, me = time.monotonic(), str(self.number)
            if last:
                gaps = self.seen.usual if where == before else self.seen.gaps
                gaps[me] = max(gaps.get(me, 0.0), now - last)
            last, before = now, where
            self.seen.committed.append((self.number, count, where))
            self.wrote.set()
            time.sleep(PAUSE)


def main(dsn: str, count: int) -> None:
    """Start all clients, say so when each has written, and stop when the input ends."""
    seen, stop = Seen(), threading.Event()
    clients = [Client(dsn, number, seen, stop) for number in range(count)]
    for one in clients:
        one.thread.start()
    for one in clients:
        one.wrote.wait(30)
    print("all write", flush=True)
    with suppress(KeyboardInterrupt):
        sys.stdin.read()
    stop.set()
    for one in clients:
        one.thread.join()
    print(json.dumps(vars(seen)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
