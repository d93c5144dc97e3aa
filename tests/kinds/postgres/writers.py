"""Applications that keep changing a table in all ways that there are, each change in its shadow as well.

Each works off a script of transactions again and again. Keys are locked in order, by number, so that two of them never wait for
each other's rows: whoever waits, fails or finds another row than the shadow has, does so because of the maintenance.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import psycopg
from hypothesis import strategies as st

from tests.kinds.postgres.conftest import Database

Change = tuple[str, int]
Work = tuple[str, list[Change]]  # how the transaction ends, and what it does

SETUP = """
CREATE TABLE orders(id int PRIMARY KEY, who text, note text, body text, tags text[], at timestamptz DEFAULT now());
ALTER TABLE orders ALTER body SET STORAGE EXTERNAL;
CREATE INDEX by_who ON orders(who, note);
INSERT INTO orders SELECT g, 'w' || g % 50, 'n', CASE WHEN g % 5 = 0 THEN repeat(md5(g::text), 100) END, ARRAY[g::text]
FROM generate_series(1, 6000) g;
DELETE FROM orders WHERE id % 4 > 0;
CREATE TABLE shadow AS SELECT * FROM orders;
ALTER TABLE shadow ADD PRIMARY KEY (id);
CREATE TABLE items(of_order int REFERENCES orders ON DELETE CASCADE);
ANALYZE;
"""
LOCK = "SELECT pg_advisory_xact_lock(%(key)s)"
CHANGES = {
    "insert": "INSERT INTO {} VALUES (%(key)s, 'new', 'n', repeat('y', %(key)s), NULL, '2026-01-01') ON CONFLICT DO NOTHING",
    "update": "UPDATE {} SET note = note || 'u' WHERE id = %(key)s",
    "same": "UPDATE {} SET who = who WHERE id = %(key)s",
    "widen": "UPDATE {} SET body = repeat('z', 4000), tags = tags || 'more'::text WHERE id = %(key)s",
    "rename": "UPDATE {} SET id = -id WHERE id = %(key)s AND NOT EXISTS (SELECT FROM {} WHERE id = -%(key)s)",
    "delete": "DELETE FROM {} WHERE id = %(key)s",
}
LOOKS = {
    "for update": "SELECT FROM orders WHERE id = %(key)s FOR UPDATE",
    "for share": "SELECT FROM orders WHERE id = %(key)s FOR SHARE",
    "item": "INSERT INTO items SELECT id FROM orders WHERE id = %(key)s",
    "sleep": "SELECT pg_sleep(%(key)s / 100000.0)",
}
ENDS = ("commit", "roll back", "savepoint")
DIFFERENT = "SELECT * FROM ((TABLE orders EXCEPT ALL TABLE shadow) UNION ALL (TABLE shadow EXCEPT ALL TABLE orders)) AS d"

changes = st.tuples(st.sampled_from([*CHANGES, *LOOKS]), st.integers(1, 6000))
works = st.tuples(st.sampled_from(ENDS), st.lists(changes, min_size=1, max_size=6))
scripts = st.lists(st.lists(works, min_size=1, max_size=8), min_size=2, max_size=3)


@contextmanager
def at_work(database: Database, scripts: Sequence[Sequence[Work]]) -> Iterator[list[str]]:
    """Run each script in a thread of its own, and a reader with old snapshots; yield what failed, which should be nothing."""
    stop, failed = threading.Event(), list[str]()

    def repeat(script: Sequence[Work]) -> None:
        with database.connect() as connection:
            while not stop.is_set():
                for work in script:
                    try:
                        _do(connection, work)
                    except psycopg.Error as error:
                        failed.append(str(error))
                    time.sleep(0.01)  # VACUUM cuts the end off only while nobody works on the table

    def read() -> None:
        with database.connect() as connection:
            while not stop.is_set():
                with connection.transaction():
                    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                    connection.execute("SELECT count(body) FROM orders")
                    time.sleep(0.2)
                    connection.execute("SELECT count(body) FROM orders")
                time.sleep(0.2)

    threads = [threading.Thread(target=read), *(threading.Thread(target=repeat, args=(script,)) for script in scripts)]
    with ExitStack() as ending:
        for thread in threads:
            thread.start()
            ending.callback(thread.join)
        ending.callback(stop.set)
        yield failed


def _do(connection: psycopg.Connection[tuple[object, ...]], work: Work) -> None:
    end, changes = work
    with connection.transaction(force_rollback=end == "roll back"):
        for name, key in sorted(changes, key=lambda one: one[1]):
            with connection.transaction(force_rollback=end == "savepoint" and key % 2 == 0):
                for statement in _statements(name):
                    connection.execute(statement.encode(), {"key": key})


def _statements(name: str) -> list[str]:
    if name in LOOKS:
        return [LOCK, LOOKS[name]]
    return [LOCK, *(CHANGES[name].replace("{}", table) for table in ("orders", "shadow"))]
