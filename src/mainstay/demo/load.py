"""The demo's customers: a read and a write every 20 ms, each on a fresh connection. Every answer is counted.

usage: python -m mainstay.demo.load --dir DIR      (keep its standard input open: at its end the figures are in DIR/run/load.json)
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from mainstay.demo import application, lifeline
from mainstay.model.codec import encode
from mainstay.system import clock
from mainstay.system.files import write_atomic

READY = Path("run/load.pid")  # appears when the customers are there
FIGURES = Path("run/load.json")
_EVERY = 0.02  # seconds
_TIMEOUT = 20.0


@dataclass
class Figures:
    """What one customer saw; latencies in seconds, from connect to the last byte."""

    requests: int = 0
    failed: int = 0
    worst: float = 0.0
    total: float = 0.0
    failures: list[str] = field(default_factory=list)  # the first few, in words

    def count(self, took: float, problem: str) -> None:
        """Take one request into account; `problem` is empty when it was answered well."""
        self.requests += 1
        self.total += took
        self.worst = max(self.worst, took)
        if problem:
            self.failed += 1
            self.failures = [*self.failures, problem][:5]


def read(port: int, number: int) -> str:
    """Ask for the orders of a customer; return what went wrong."""
    return _request(port, "GET", f"/orders?customer={number % 5000}", None, 200)


def write(port: int, number: int) -> str:
    """Place an order; return what went wrong."""
    order = {"customer": number % 5000, "item": f"item {number % 977}", "note": f"demo order {number}"}
    return _request(port, "POST", "/orders", json.dumps(order), 201)


def send(ask: Callable[[int, int], str], port: int, figures: Figures, ended: threading.Event) -> None:
    """Send one request after the other, a new one every 20 ms, until `ended` is set."""
    for number in _beats(ended):
        began = clock.monotonic()
        problem = ask(port, number)
        figures.count(clock.monotonic() - began, problem)


def _beats(ended: threading.Event) -> Iterator[int]:
    began = clock.monotonic()
    for number in itertools.count():
        if ended.wait(max(0.0, began + number * _EVERY - clock.monotonic())):
            return
        yield number


def _request(port: int, method: str, path: str, body: str | None, wanted: int) -> str:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)) as connection:
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            return f"{method} {path}: {type(error).__name__}: {error}"
    return "" if answer.status == wanted else f"{method} {path}: status {answer.status}"


def main() -> None:
    """Send requests until the demo ends, then write the figures down."""
    parser = argparse.ArgumentParser(prog="mainstay.demo.load")
    parser.add_argument("--dir", type=Path, required=True)
    folder: Path = parser.parse_args().dir
    port = int((folder / application.PORT).read_text(encoding="ascii"))
    ended, reads, writes = lifeline.hold(), Figures(), Figures()
    threads = [
        threading.Thread(target=send, args=(ask, port, figures, ended)) for ask, figures in ((read, reads), (write, writes))
    ]
    for thread in threads:
        thread.start()
    write_atomic(folder / READY, str(os.getpid()).encode())
    for thread in threads:
        thread.join()
    write_atomic(folder / FIGURES, json.dumps({"reads": encode(reads), "writes": encode(writes)}).encode())


if __name__ == "__main__":
    main()
