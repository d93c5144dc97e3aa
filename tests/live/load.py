"""Users of a web server: many connections that ask again and again, GET and POST in turn, and count what they get."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_ASKED = "{method} / HTTP/1.1\r\nHost: shop\r\nContent-Length: {length}\r\n\r\n{body}"


@dataclass
class Load:
    """What was answered, by method and status; `broken` are connections that failed, a reset or an end in the middle."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    stop: bool = False

    @property
    def statuses(self) -> set[int]:
        """Every status that was seen."""
        return {status for _, status in self.answers}

    def count(self, status: int, method: str = "") -> int:
        """Return how many answers had a status, of one method or of all."""
        return sum(number for (asked, got), number in self.answers.items() if got == status and method in ("", asked))


@contextmanager
def load(port: int, connections: int = 50) -> Iterator[Load]:
    """Keep so many connections busy until the block ends."""
    made = Load()
    thread = threading.Thread(target=lambda: asyncio.run(_all(made, port, connections)))
    thread.start()
    try:
        yield made
    finally:
        made.stop = True
        thread.join(30)
        assert not thread.is_alive()


async def _all(made: Load, port: int, connections: int) -> None:
    await asyncio.gather(*(_user(made, port, number) for number in range(connections)))


async def _user(made: Load, port: int, number: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for turn in range(10**9):
        if made.stop:
            break
        method, body = ("GET", "POST")[(number + turn) % 2], ("", "x=1")[(number + turn) % 2]
        try:
            writer.write(_ASKED.format(method=method, length=len(body), body=body).encode())
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 20)
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            await reader.readexactly(int(fields[b"content-length"]))
        except (OSError, EOFError, TimeoutError) as error:
            made.broken.append(f"{method}: {type(error).__name__}")
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            continue
        made.answers[method, int(head.split()[1])] += 1
        if fields.get(b"connection") == b"close":
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
