"""A process of the demo that writes a log: each line begins with its number, so that a lost or doubled line is seen.

usage: python -m mainstay.demo.writer --dir DIR --log NAME [--reopen] [--prefill BYTES]      (keep its standard input open)

With --reopen it opens its log anew on SIGHUP, as most servers do; without, it only ever appends to the file it opened first.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from mainstay.demo import lifeline
from mainstay.system import clock
from mainstay.system.files import write_atomic

DIGITS = 10  # width of a line's number
_BLOCK = 4096  # lines that are written at once while the past is made up
_TICK, _LINES = 0.02, 10  # seconds, and lines written in each
_ACTS = (
    "INFO  web GET /orders?customer={a} 200 in {b} ms",
    "INFO  web POST /orders 201 in {b} ms item={a}",
    "INFO  worker sent confirmation of order {a} to queue mail-{c}",
    "DEBUG cache hit for customer {a} age {b} s",
    "WARN  db query took {b} ms: SELECT id, item FROM orders WHERE customer = {a}",
    "ERROR payment gateway-{c} did not answer in {b} ms, order {a} waits for the next try",
)


@dataclass
class Log:
    """An append-only log file whose lines are numbered from 0."""

    path: Path
    written: int = 0
    fd: int = -1
    stale: bool = False  # set by SIGHUP
    words: random.Random = field(default_factory=lambda: random.Random(7))

    def open(self) -> None:
        """Open the file of that name, which may be another one than before."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd, self.stale = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640), False

    def prefill(self, size: int) -> None:
        """Make up the past: `size` bytes of lines."""
        while os.fstat(self.fd).st_size < size:
            self._append(tuple(self._messages(_BLOCK)))

    def tick(self) -> None:
        """Write the lines of one moment, one by one, as a server does."""
        for message in self._messages(_LINES):
            if self.stale:
                self.open()
            self._append((message,))

    def _append(self, messages: tuple[str, ...]) -> None:
        stamp = clock.now().isoformat(timespec="milliseconds")
        lines = (f"{number:0{DIGITS}d} {stamp} {text}\n" for number, text in enumerate(messages, self.written))
        os.write(self.fd, "".join(lines).encode())
        self.written += len(messages)

    def _messages(self, count: int) -> Iterator[str]:
        for _ in range(count):
            number = self.words.randrange(1 << 30)
            yield _ACTS[number % len(_ACTS)].format(a=number % 5003, b=number // 5003 % 997, c=number % 7)


def main() -> None:
    """Write until the demo ends, then say how many lines there should be."""
    parser = argparse.ArgumentParser(prog="mainstay.demo.writer")
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--prefill", type=int, default=0)
    parser.add_argument("--reopen", action="store_true")
    asked = parser.parse_args()
    ended = lifeline.hold()
    log = Log(asked.dir / "logs" / asked.log)

    def reopen(_number: int, _frame: FrameType | None) -> None:
        log.stale = asked.reopen

    signal.signal(signal.SIGHUP, reopen)
    log.open()
    log.prefill(asked.prefill)
    write_atomic(pid_file(asked.dir, asked.log), str(os.getpid()).encode())
    while not ended.wait(_TICK):
        log.tick()
    write_atomic(written_file(asked.dir, asked.log), str(log.written).encode())


def pid_file(folder: Path, log: str) -> Path:
    """Return where the writer of a log says who it is, once the past is made up."""
    return folder / "run" / f"{log}.pid"


def written_file(folder: Path, log: str) -> Path:
    """Return where the writer of a log says at its end how many lines it has written."""
    return folder / "run" / f"{log}.written"


if __name__ == "__main__":
    main()
