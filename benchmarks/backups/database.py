"""The database that is backed up: pgbench's tables and a shop, made once for each size and kept in benchmarks/.cache."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from mainstay.system.files import remove
from tests.live.postgres_server import PostgresServer, server

NAME, VERSION, MAJOR = "shop", 1, 15  # the version rises when the content changes, so that what was kept is made anew
HERE = Path(__file__).parent
CACHE = HERE.parent / ".cache"
SETTINGS = {
    "shared_buffers": "512MB", "max_wal_size": "4GB", "maintenance_work_mem": "256MB", "fsync": "on", "max_connections": "60",
}  # fmt: skip
CUSTOMERS = 50_000
_LOCAL = ("port", "unix_socket_directories")  # settings of the running copy


@dataclass(frozen=True)
class Scale:
    """How many rows: `share` of 25 pgbench branches, 500,000 orders, 600,000 events and 60,000 documents."""

    share: float = 1.0

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table of the shop."""
        return {"orders": int(500_000 * self.share), "events": int(600_000 * self.share), "docs": int(60_000 * self.share)}

    @property
    def branches(self) -> int:
        """Pgbench's scale: 100,000 accounts each."""
        return max(1, round(25 * self.share))


class Words:
    """Text as people write it: words of an invented language, common ones more often (Zipf's law), the same at each call."""

    def __init__(self, seed: int) -> None:
        letters = random.Random(1)
        self.known = ["".join(self._syllable(letters) for _ in range(letters.randint(1, 4))) for _ in range(20_000)]
        weights = list(accumulate(1 / (rank + 2.7) for rank in range(len(self.known))))
        self.chance = random.Random(seed)
        self._said = self.chance.choices(self.known, cum_weights=weights, k=1_000_000)

    def text(self, count: int) -> str:
        """Return so many words."""
        start = self.chance.randrange(len(self._said) - count)
        return " ".join(self._said[start : start + count])

    @staticmethod
    def _syllable(letters: random.Random) -> str:
        return letters.choice("bcdfghklmnprstvw") + letters.choice("aeiou")


@contextmanager
def running(folder: Path, scale: Scale) -> Iterator[PostgresServer]:
    """Start a copy of the cluster of that size below `folder`; the copy goes at the end."""
    base = _made(scale)
    with server(folder, MAJOR, settings=SETTINGS) as made:
        made.stop("fast")
        conf = made.data / "postgresql.conf"
        own = [line for line in conf.read_text().splitlines() if line.startswith(_LOCAL)]
        shutil.rmtree(made.data)
        subprocess.run(["cp", "-a", "--reflink=auto", base, made.data], check=True)
        with conf.open("a") as file:
            file.write("\n".join([*own, ""]))
        made.start()
        yield made
    shutil.rmtree(folder)


def local(made: PostgresServer) -> str:
    """Return how every way reaches the database: by the server's socket, as `docker compose exec db pg_dump` does."""
    [(folder,)] = made.sql("SHOW unix_socket_directories")
    return make_conninfo(made.dsn(NAME), host=folder)


def change(made: PostgresServer, day: int, how: str) -> None:
    """Let a day change 2 % of the rows: the newest, and some new ones (`recent`), or every 50th of each table (`scattered`)."""
    for statement in (RECENT if how == "recent" else SCATTERED).format(day=day, rest=day % 50).split(";\n"):
        made.sql(statement, database=NAME)
    made.sql("CHECKPOINT", database=NAME)


RECENT = """\
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid > (SELECT max(aid) * 0.98 FROM pgbench_accounts);
UPDATE orders SET state = 'done' WHERE id > (SELECT max(id) * 0.99 FROM orders);
INSERT INTO orders (customer, at, state, total, note)
SELECT 1 + g % 50000, now(), 'new', g % 997, 'day {day} ' || md5(g::text)
FROM generate_series(1, (SELECT count(*) / 100 FROM orders)) g;
INSERT INTO events (at, kind, data) SELECT now(), kind, data || jsonb_build_object('session', md5(id::text || '{day}'))
FROM events WHERE id > (SELECT max(id) * 0.98 FROM events);
UPDATE docs SET title = title || ' v{day}' WHERE id > (SELECT max(id) * 0.98 FROM docs)"""

SCATTERED = """\
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid % 50 = {rest};
UPDATE orders SET state = CASE state WHEN 'done' THEN 'sent' ELSE 'done' END WHERE id % 50 = {rest};
UPDATE events SET kind = kind || 'x' WHERE id % 50 = {rest};
UPDATE docs SET title = title || ' v{day}' WHERE id % 50 = {rest}"""


def _made(scale: Scale) -> Path:
    """Return the data folder of the cluster of that size; the first call makes it, which takes two minutes at full size."""
    kept = CACHE / f"backup-{VERSION}-{scale.share:g}"
    if not (kept / "done").exists():
        remove(kept)
        folder = kept / "cluster"
        with server(folder, MAJOR, settings=SETTINGS, initdb=("--data-checksums",)) as made:
            _fill(made, scale)
            made.stop("fast")
        (kept / "done").touch()
    return kept / "cluster" / "data"


def _fill(made: PostgresServer, scale: Scale) -> None:
    made.sql(f"CREATE DATABASE {NAME}")
    dsn = made.dsn(NAME)
    made.binaries.run("pgbench", "-i", "-q", "-s", str(scale.branches), dsn, timeout=600)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute((HERE / "shop.sql").read_text().encode())
        for table, rows in {"customers": CUSTOMERS, **scale.rows}.items():
            words, line = Words(7), _LINES[table]
            with connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                for number in range(1, rows + 1):
                    copy.write(line(words, number, rows) + "\n")
        for statement in (HERE / "keys.sql").read_text().split(";\n"):
            connection.execute(statement.encode())


def _at(words: Words, number: int, rows: int) -> str:
    """Return a time: later rows are later, by the day."""
    day, chance = number * 300 // rows, words.chance
    clock = f"{chance.randrange(24):02}:{chance.randrange(60):02}:{chance.randrange(60):02}.{chance.randrange(10**6):06}"
    return f"2026-{1 + day // 28:02}-{1 + day % 28:02} {clock}+00"


def _customer(words: Words, number: int, rows: int) -> str:
    return f"{number}\tuser{number}@example.org\t{words.text(2)} {words.chance.getrandbits(64):x}\t{_at(words, number, rows)}"


def _order(words: Words, number: int, rows: int) -> str:
    chance = words.chance
    state, total = chance.choice(["new", "paid", "sent", "done"]), chance.lognormvariate(4, 1)
    return f"{number}\t{chance.randint(1, CUSTOMERS)}\t{_at(words, number, rows)}\t{state}\t{total:.2f}\t{words.text(6)}"


def _event(words: Words, number: int, rows: int) -> str:
    chance, known = words.chance, words.known
    data = {
        "user": chance.randrange(CUSTOMERS),
        "session": f"{chance.getrandbits(128):032x}",
        "path": f"/api/v1/{chance.choice(known[:40])}/{chance.randrange(9000)}",
        "method": chance.choice(["GET"] * 6 + ["POST", "PUT"]),
        "status": chance.choice([200] * 20 + [301, 404, 500]),
        "ms": round(chance.lognormvariate(3, 1), 2),
        "agent": f"Mozilla/5.0 (X11; Linux x86_64) Chrome/{chance.randrange(100, 140)}.0",
        "note": words.text(12),
        "tags": [chance.choice(known[:200]) for _ in range(3)],
    }
    return f"{number}\t{_at(words, number, rows)}\t{chance.choice(known[:12])}\t{json.dumps(data)}"


def _document(words: Words, number: int, rows: int) -> str:
    return f"{number}\t{_at(words, number, rows)}\t{words.text(8)}\t{words.text(words.chance.randrange(200, 1200))}"


_LINES: dict[str, Callable[[Words, int, int], str]] = {
    "customers": _customer,
    "orders": _order,
    "events": _event,
    "docs": _document,
}
