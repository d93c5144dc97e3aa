"""An application that reads and writes a row every 10 ms, and counts its latency from when each request was due.

usage: probe.py DSN DOWN       ends at the end of standard input, and prints what it felt as JSON. While the file DOWN exists the
application counts as stopped: each request is refused. A stall is charged to every request that fell into it (open loop).
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from pathlib import Path

import psycopg

TICK, TIMEOUT, SESSIONS = 0.01, 2.0, 20
REQUESTS = (
    (
        "SELECT abalance FROM pgbench_accounts WHERE aid = %s",
        "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = %s",
        1_000_000,
    ),
    ("SELECT payload FROM events WHERE id = %s", "UPDATE events SET kind = kind WHERE id = %s", 1_000_000),
    ("SELECT note FROM visits WHERE id = %s", "UPDATE visits SET seen = now() WHERE id = %s", 300_000),
    ("SELECT length(body) FROM papers WHERE id = %s", "UPDATE papers SET title = title WHERE id = %s", 10_000),
)


class Probe:
    """Requests that are due every tick, whatever became of the earlier ones."""

    def __init__(self, dsn: str, down: Path) -> None:
        self.dsn, self.down = dsn, down
        self.idle: asyncio.Queue[psycopg.AsyncConnection[tuple[object, ...]]] = asyncio.Queue()
        self.felt: list[tuple[float, float, str]] = []  # when it was due, milliseconds, the error

    async def run(self) -> None:
        """Ask until standard input ends."""
        for _ in range(SESSIONS):
            self.idle.put_nowait(await self._connect())
        over = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        began, number, asked = time.perf_counter(), 0, set()
        print("ready", flush=True)
        while not over.done():
            due = began + number * TICK
            await asyncio.sleep(max(0, due - time.perf_counter()))
            task = asyncio.create_task(self._request(number, due))
            asked.add(task)
            task.add_done_callback(asked.discard)
            number += 1
        await asyncio.gather(*asked)

    async def _connect(self) -> psycopg.AsyncConnection[tuple[object, ...]]:
        options = f"-c statement_timeout={TIMEOUT:.0f}s"
        return await psycopg.AsyncConnection.connect(self.dsn, autocommit=True, options=options, application_name="probe")

    async def _request(self, number: int, due: float) -> None:
        read, write, rows = REQUESTS[number % len(REQUESTS)]
        key, error = (random.randint(1, rows),), ""
        try:
            if self.down.exists():
                raise ConnectionRefusedError
            connection = await asyncio.wait_for(self.idle.get(), TIMEOUT)
        except (TimeoutError, ConnectionRefusedError) as why:
            error = type(why).__name__
        else:
            error = await self._ask(connection, read, write, key)
        self.felt.append((due, (time.perf_counter() - due) * 1000, error))

    async def _ask(self, connection: psycopg.AsyncConnection[tuple[object, ...]], read: str, write: str, key: tuple[int]) -> str:
        try:
            await (await connection.execute(read.encode(), key)).fetchall()
            await connection.execute(write.encode(), key)
        except psycopg.Error as why:
            if connection.closed:
                connection = await self._connect()
            return type(why).__name__
        finally:
            self.idle.put_nowait(connection)
        return ""

    def told(self) -> dict[str, object]:
        """Return what was felt; `worst` is of all requests, failed ones too."""
        times = sorted(ms for _, ms, _ in self.felt)
        failed = [error for _, _, error in self.felt if error]
        return {
            "requests": len(times), "failed": len(failed), "errors": sorted(set(failed)),
            "p50": times[len(times) // 2], "p99": times[int(len(times) * 0.99)], "worst": times[-1],
        }  # fmt: skip


if __name__ == "__main__":
    probe = Probe(sys.argv[1], Path(sys.argv[2]))
    asyncio.run(probe.run())
    print(json.dumps(probe.told()))
