"""Tables of every shape, bloated as applications do it, and how near the estimates come to what VACUUM FULL leaves.

`python -m tests.kinds.postgres.shapes [MAJOR]` prints the table.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mainstay.kinds.postgres.space.estimate import TableBloat, look_bloat
from tests.kinds.postgres.conftest import Database, fresh_database, session_of, target_of
from tests.live import postgres_server

GOAL = 0.15
SMALL = 1 << 20  # bytes below which a few pages are let pass
EXTENT = 10 * 8192


@dataclass(frozen=True)
class Shape:
    """One table, and the statements that make and bloat it; `{t}` stands for its name."""

    name: str
    statements: tuple[str, ...]
    table: str = ""

    @property
    def relation(self) -> str:
        """The name of the table, which need not be that of the shape."""
        return self.table or self.name.replace(" ", "_")

    @property
    def quoted(self) -> str:
        """The name as SQL has it."""
        return '"' + self.relation.replace('"', '""') + '"'


DELETE = "DELETE FROM {t} WHERE random() < 0.7"
TIDY = "VACUUM ANALYZE {t}"

SHAPES = (
    Shape(
        "narrow integers",
        (
            "CREATE TABLE {t} (id int PRIMARY KEY, a int NOT NULL, b int NOT NULL)",
            "INSERT INTO {t} SELECT g, g, g FROM generate_series(1, 200000) g",
            DELETE,
            TIDY,
        ),
    ),
    Shape(
        "wide text",
        (
            "CREATE TABLE {t} (id bigint PRIMARY KEY, body text)",
            "INSERT INTO {t} SELECT g, repeat(md5(g::text), 3 + (random() * 30)::int) FROM generate_series(1, 20000) g",
            "UPDATE {t} SET body = body || 'x'",
            TIDY,
            "UPDATE {t} SET body = body || 'x'",
            "DELETE FROM {t} WHERE random() < 0.5",
            TIDY,
        ),
    ),
    Shape(
        "many nulls",
        (
            "CREATE TABLE {t} (id int PRIMARY KEY, a int, b bigint, c text, d timestamptz, e numeric, f text, g int, h int)",
            "INSERT INTO {t} (id, a, b, c, d) SELECT g, CASE WHEN g % 10 = 0 THEN g END, CASE WHEN g % 3 = 0 THEN g END, CASE"
            "  WHEN g % 5 = 0 THEN 'some words ' || g END, CASE WHEN g % 2 = 0 THEN now() END FROM generate_series(1, 150000) g",
            "CREATE INDEX many_nulls_a ON {t} (a)",
            "CREATE INDEX many_nulls_c ON {t} (c)",
            "CREATE INDEX many_nulls_d ON {t} (d) WHERE d IS NOT NULL",
            "UPDATE {t} SET h = 1 WHERE id % 2 = 0",
            "UPDATE {t} SET h = NULL",
            TIDY,
            DELETE,
            TIDY,
        ),
    ),
    Shape(
        "mixed alignment",
        (
            "CREATE TABLE {t} (a bool, id bigint PRIMARY KEY, b smallint, c timestamptz, d bool, e text, f double precision)",
            "INSERT INTO {t} SELECT true, g, g % 100, now(), false, 'row ' || g, g FROM generate_series(1, 150000) g",
            "CREATE INDEX mixed_alignment_b ON {t} (d, id)",
            "DELETE FROM {t} WHERE id BETWEEN 10000 AND 110000",
            TIDY,
        ),
    ),
    Shape(
        "fillfactor 70",
        (
            "CREATE TABLE {t} (id int, n int, note text) WITH (fillfactor = 70)",
            "INSERT INTO {t} SELECT g, 0, 'note ' || md5(g::text) FROM generate_series(1, 150000) g",
            "CREATE UNIQUE INDEX fillfactor_70_id ON {t} (id) WITH (fillfactor = 60)",
            "UPDATE {t} SET n = n + 1",
            TIDY,
            "UPDATE {t} SET n = n + 1",
            "UPDATE {t} SET id = id + 1000000",
            TIDY,
        ),
    ),
    Shape(
        "external text",
        (
            "CREATE TABLE {t} (id int PRIMARY KEY, body text)",
            "ALTER TABLE {t} ALTER body SET STORAGE EXTERNAL",
            "INSERT INTO {t} SELECT g, repeat(md5(g::text), 63 + (random() * 200)::int) FROM generate_series(1, 4000) g",
            "UPDATE {t} SET body = reverse(body)",
            "UPDATE {t} SET body = reverse(body)",
            TIDY,
        ),
    ),
    Shape(
        "compressed json",
        (
            "CREATE TABLE {t} (id int PRIMARY KEY, doc jsonb)",
            "INSERT INTO {t} SELECT g, (SELECT jsonb_object_agg('key ' || i, md5((g * i)::text)) FROM"
            " generate_series(1, 30 + (random() * 150)::int) i) FROM generate_series(1, 4000) g",
            "UPDATE {t} SET doc = doc || '{\"more\": true}'",
            "UPDATE {t} SET doc = doc || '{\"more\": false}'",
            "DELETE FROM {t} WHERE id % 3 = 0",
            TIDY,
        ),
    ),
    Shape(
        "random keys",
        (
            "CREATE TABLE {t} (id uuid PRIMARY KEY, n int)",
            "INSERT INTO {t} SELECT md5(g::text)::uuid, g FROM generate_series(1, 150000) g",
            "DELETE FROM {t} WHERE n % 2 = 0",
            TIDY,
            "INSERT INTO {t} SELECT md5('a' || g)::uuid, g FROM generate_series(1, 30000) g",
            "DELETE FROM {t} WHERE n % 3 = 0",
            TIDY,
        ),
    ),
    Shape(
        "few keys",
        (
            "CREATE TABLE {t} (id int, state int, kind text)",
            "INSERT INTO {t} SELECT g, g % 5, 'kind ' || g % 20 FROM generate_series(1, 150000) g",
            "CREATE INDEX few_keys_state ON {t} (state)",
            "CREATE INDEX few_keys_kind ON {t} (kind)",
            "UPDATE {t} SET state = (random() * 4)::int",
            TIDY,
            "UPDATE {t} SET state = (random() * 4)::int, kind = 'kind ' || (random() * 20)::int",
            "DELETE FROM {t} WHERE random() < 0.5",
            TIDY,
        ),
    ),
    Shape(
        "many indexes",
        (
            "CREATE TABLE {t} (id int PRIMARY KEY, who int, at timestamptz, mail text, done bool)",
            "INSERT INTO {t} SELECT g, g % 5000, now() - g * interval '1 min', 'Person.' || g || '@Example.com', g % 4 = 0"
            " FROM generate_series(1, 100000) g",
            "CREATE INDEX many_indexes_who ON {t} (who, at DESC)",
            "CREATE INDEX many_indexes_open ON {t} (at) WHERE NOT done",
            "CREATE UNIQUE INDEX many_indexes_mail ON {t} (lower(mail))",
            "CREATE INDEX many_indexes_more ON {t} (who) INCLUDE (mail)",
            "UPDATE {t} SET at = at + interval '1 s'",
            "UPDATE {t} SET at = at + interval '1 s'",
            DELETE,
            TIDY,
        ),
    ),
    Shape(
        "changed columns",
        (
            "CREATE TABLE {t} (id int PRIMARY KEY, gone text, kept int)",
            "INSERT INTO {t} SELECT g, repeat(md5(g::text), 4), g FROM generate_series(1, 80000) g",
            "ALTER TABLE {t} DROP COLUMN gone",
            "ALTER TABLE {t} ADD COLUMN added bigint NOT NULL DEFAULT 7",
            "DELETE FROM {t} WHERE random() < 0.5",
            TIDY,
        ),
    ),
    Shape(
        "a partition",
        (
            "CREATE TABLE measured (day date NOT NULL, sensor int NOT NULL, value float8, PRIMARY KEY (day, sensor))"
            " PARTITION BY RANGE (day)",
            "CREATE TABLE {t} PARTITION OF measured FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
            "INSERT INTO measured SELECT date '2026-01-01' + g % 300, g, random() FROM generate_series(1, 150000) g",
            "UPDATE measured SET value = value + 1",
            "UPDATE measured SET value = value + 1",
            TIDY,
        ),
    ),
    Shape(
        "mixed case",
        (
            "CREATE TABLE {t} (\"Id\" int PRIMARY KEY, \"The \"\"Name\"\"\" text)",
            "INSERT INTO {t} SELECT g, 'name ' || g FROM generate_series(1, 120000) g",
            "CREATE INDEX \"Index \"\"of it\" ON {t} (\"The \"\"Name\"\"\")",
            DELETE,
            TIDY,
        ),
        table='The "Customer\'s" Orders',
    ),
    Shape(
        "not vacuumed",
        (
            "CREATE TABLE {t} (id int PRIMARY KEY, n int, note text)",
            "INSERT INTO {t} SELECT g, g, 'note ' || g FROM generate_series(1, 100000) g",
            "CREATE INDEX not_vacuumed_n ON {t} (n)",
            "UPDATE {t} SET n = n + 1",
            "UPDATE {t} SET n = n + 1",
            "ANALYZE {t}",
        ),
    ),
    Shape(
        "no statistics",
        (
            "CREATE TABLE {t} (id int PRIMARY KEY, note text)",
            "INSERT INTO {t} SELECT g, 'note ' || md5(g::text) FROM generate_series(1, 100000) g",
            "DELETE FROM {t} WHERE id % 3 > 0",
            "VACUUM {t}",
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """One relation: bytes before, as estimated with and without reading, and after VACUUM FULL."""

    shape: str
    relation: str
    before: int
    estimate: int | None
    statistics: int | None
    after: int

    @property
    def missed(self) -> float | None:
        """How far the estimate is off, as a share of the real size; small relations may be off by a few pages."""
        return self._off(self.estimate)

    @property
    def good(self) -> bool:
        """Tell whether the estimate is as near as it has to be."""
        return self.estimate is not None and (self._near(self.estimate) or abs(self._off(self.estimate) or 0) <= GOAL)

    def line(self) -> str:
        """Return it for people."""
        off, told = (
            f"{one * 100:+6.1f} %" if one is not None else "unknown " for one in (self.missed, self._off(self.statistics))
        )
        sizes = f"{self.before / 1024:9,.0f} {self.after / 1024:9,.0f}"
        return f"{self.shape:16} {self.relation:28} {sizes}  {off:>9} {told:>9}  {'ok' if self.good else 'SHORT'}"

    def _near(self, estimate: int) -> bool:
        return self.after < SMALL and abs(estimate - self.after) <= EXTENT

    def _off(self, estimate: int | None) -> float | None:
        return None if estimate is None else estimate / max(self.after, 8192) - 1


HEAD = f"{'shape':16} {'relation':28} {'kB':>9} {'after':>9}  {'estimate':>9} {'unread':>9}"


def build(database: Database, shapes: Sequence[Shape] = SHAPES) -> None:
    """Make and bloat every table."""
    with database.connect() as connection:
        connection.execute("SELECT setseed(0.5)")
        for shape in shapes:
            for statement in shape.statements:
                connection.execute(statement.replace("{t}", shape.quoted).encode())


def outcomes(database: Database, shapes: Sequence[Shape] = SHAPES) -> list[Outcome]:
    """Estimate every table with and without reading it, rebuild it, and compare."""
    closely = _looked(database)
    database.sql("DROP EXTENSION pgstattuple")
    unread = _looked(database)
    for shape in shapes:
        database.sql(f"VACUUM FULL {shape.quoted}")
    after = _looked(database)
    return [
        Outcome(shape.name, part, size, expected, unread[shape.relation][part][1], after[shape.relation][part][0])
        for shape in shapes
        for part, (size, expected) in closely[shape.relation].items()
    ]


def printed(outcomes: Iterable[Outcome]) -> str:
    """Return a table for people."""
    return "\n".join([HEAD, *(one.line() for one in outcomes)])


def _looked(database: Database) -> dict[str, dict[str, tuple[int, int | None]]]:
    """Return size and expected size of each part of each table."""
    with session_of(target_of(database)) as session:
        return {table.name: dict(_parts(table)) for table in look_bloat(session).tables}


def _parts(table: TableBloat) -> Iterator[tuple[str, tuple[int, int | None]]]:
    yield "heap", (table.heap, table.heap_expected)
    if table.toast > 2 * 8192:
        yield "toast", (table.toast, table.toast_expected)
    yield from ((one.name, (one.size, one.expected)) for one in table.indexes)


def main(major: int = 15) -> int:
    """Print the table; the exit code tells how many relations are not within the goal."""
    with tempfile.TemporaryDirectory() as folder, postgres_server.server(Path(folder) / "pg", major) as server:
        server.extend()
        with fresh_database(server) as database:
            build(database)
            found = outcomes(database)
    print(printed(found))
    short = [one for one in found if not one.good]
    print(f"{len(found)} relations, {len(short)} further off than {GOAL:.0%}")
    return len(short)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
