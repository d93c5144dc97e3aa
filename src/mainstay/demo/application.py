"""The demo's application: a small shop on loopback that reads and writes a SQLite database.

usage: python -m mainstay.demo.application --dir DIR      (keep its standard input open: it ends with it)
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from mainstay.demo import lifeline
from mainstay.system import clock
from mainstay.system.files import write_atomic

DATABASE = Path("data/shop.db")
PORT = Path("run/application.port")  # appears when the application serves
_BUSY = 15.0  # seconds that a request waits for a writer


class Shop(ThreadingHTTPServer):
    """The server; each request has its own thread and its own connection to the database."""

    daemon_threads = True
    request_queue_size = 256  # while a writer is waited for, callers queue here instead of being turned away

    def __init__(self, database: Path) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.database = database


class Request(BaseHTTPRequestHandler):
    """`GET /health`, `GET /orders?customer=N` and `POST /orders`."""

    server: Shop

    def do_GET(self) -> None:
        """Answer whether the shop works, or the newest orders of a customer."""
        where = urlsplit(self.path)
        with self._database() as db:
            if where.path == "/health":
                db.execute("SELECT id FROM orders LIMIT 1").fetchone()
                self._answer(200, {"status": "healthy"})
            elif where.path == "/orders":
                customer = int(parse_qs(where.query).get("customer", ["0"])[0])
                rows = db.execute("SELECT id, item FROM orders WHERE customer = ? ORDER BY id DESC LIMIT 20", (customer,))
                self._answer(200, {"orders": [{"id": number, "item": item} for number, item in rows]})
            else:
                self._answer(404, {"error": "not found"})

    def do_POST(self) -> None:
        """Take an order."""
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        placed = (order["customer"], order["item"], order["note"], int(clock.now().timestamp()))
        with self._database() as db:
            taken = db.execute("INSERT INTO orders (customer, item, note, placed_at) VALUES (?, ?, ?, ?)", placed)
        self._answer(201, {"id": taken.lastrowid})

    def log_message(self, format: str, *args: Any) -> None:
        """Write nothing: the demo's logs have writers of their own."""

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.server.database, timeout=_BUSY, isolation_level=None)) as db:
            yield db

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def build(database: Path) -> None:
    """Make the shop's database: more than 200,000 orders in a file that is nearly half empty."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.executescript(Path(__file__).with_name("orders.sql").read_text(encoding="utf-8"))


def main() -> None:
    """Build the database if there is none, and serve until the demo ends."""
    parser = argparse.ArgumentParser(prog="mainstay.demo.application")
    parser.add_argument("--dir", type=Path, required=True)
    folder: Path = parser.parse_args().dir
    ended = lifeline.hold()
    if not (folder / DATABASE).exists():
        build(folder / DATABASE)
    # one connection stays open, as in any application: the last one to close would drop the write-ahead log each time
    with closing(sqlite3.connect(folder / DATABASE)) as kept, Shop(folder / DATABASE) as shop:
        kept.execute("SELECT 1 FROM orders LIMIT 1").fetchone()
        threading.Thread(target=shop.serve_forever, daemon=True).start()
        write_atomic(folder / PORT, str(shop.server_port).encode())
        ended.wait()
        shop.shutdown()


if __name__ == "__main__":
    main()
