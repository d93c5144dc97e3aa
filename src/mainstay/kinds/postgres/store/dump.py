"""A dump: everything that one snapshot of a database holds, as streams that stock tools can load.

schema.pgdump     pg_dump's archive of all definitions, before and after the rows
data.pgdump       pg_dump's archive of the rest: large objects, and what extensions declare as configuration
table.SCHEMA.NAME the rows of one table, as COPY writes and reads them
sequences.sql     the values of the sequences
globals.sql       the roles of the server
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mainstay.kinds.postgres.settings import qualified
from mainstay.kinds.postgres.statement import Name
from mainstay.kinds.postgres.store.catalog import DumpedTable, filled
from mainstay.kinds.postgres.store.client import PSQL, Client
from mainstay.kinds.postgres.store.digests import Tally, counting
from mainstay.kinds.postgres.store.snapshot import Snapshot, held
from mainstay.model.codec import encode
from mainstay.model.errors import StepFailed
from mainstay.vault.store import Dump, Sink

SCHEMA, DATA, SEQUENCES, GLOBALS = "schema.pgdump", "data.pgdump", "sequences.sql", "globals.sql"
_ROWS = "COPY {table} ({columns}) TO STDOUT;\n"
_EMPTY_ROWS = "COPY {table} TO STDOUT;\n"  # a table without columns has rows too
_VALUE = "SELECT pg_catalog.setval({name}, {last}, {called});\n"
_FIRST = 1 << 62  # bytes: before the largest table
_MANY = 200  # names in one pattern


@dataclass(frozen=True)
class Part:
    """One stream: what its time counts as, its name, and the program that prints it."""

    sort: str
    stream: str
    argv: Sequence[str]
    script: str = ""


def dump(client: Client, sink: Sink) -> Dump:
    """Write one snapshot of the database of the connection, and count and digest it."""
    with held(client) as seen:
        require_expected(client.settings.backup.expected, seen)
        versions = versions_of(client, seen)
        tally = Tally()
        parts = [*_archives(client, seen), *_tables(seen)]
        printing = [(size, partial(_print, client, sink, tally, seen.database, part)) for size, part in parts]
        jobs: list[tuple[int, Callable[[], object]]] = [*printing, *counting(client, seen, tally)]
        client.together([job for _, job in sorted(jobs, key=lambda job: -job[0])])
        _write(sink, SEQUENCES, "".join(_set(seen)))
        noted(seen, tally)
    return Dump(tally.counts, dict(sorted(tally.digests.items())), versions, remarks(seen), _extra(seen, tally))


def require_expected(expected: tuple[str, ...], seen: Snapshot) -> None:
    """Refuse a dump in which tables are missing that the settings name; partitioned ones are there if they have partitions."""
    there = {(one.schema, one.name) for one in seen.tables} | {(schema, name) for schema, name in seen.origin.parents}
    if missing := [name for name in expected if qualified(name) not in there]:
        raise StepFailed(
            "expected tables are not in the database",
            on=f"database {seen.database}",
            because=f"missing: {', '.join(missing)}",
            next="look for who dropped or renamed them, or correct `backup.expected`",
        )


def versions_of(client: Client, seen: Snapshot) -> dict[str, str]:
    """Return what made the dump, and what it needs."""
    origin = seen.origin
    return {
        "postgres": origin.version.split()[0],
        "pg_dump": client.program("pg_dump").version,
        "psql": client.program("psql").version,
        "encoding": origin.encoding,
        "collation": " ".join(part for part in (origin.collate, origin.locale, origin.collation_version) if part),
        "data checksums": origin.checksums,
        **{f"extension {name}": version for name, version in (one.rsplit(" ", 1) for one in origin.extensions)},
    }


def noted(seen: Snapshot, tally: Tally) -> None:
    """Add the sequences, and every oddity under the name of its object: a faithful copy has the same."""
    for state in seen.sequences:
        tally.counts[state.sequence.quoted] = state.last
        tally.digests[state.sequence.quoted] = "called" if state.called else "not yet called"
        if state.behind:
            tally.digests[f"sequence {state.sequence.quoted}"] = "behind its column"
    tally.digests.update({one.object: one.problem for one in seen.remarks if one.sort == "oddity"})


def remarks(seen: Snapshot) -> tuple[str, ...]:
    """Say what was left out, and what is not as one would expect."""
    behind = [
        f"sequence {one.sequence.quoted} is at {one.last}, and {one.sequence.column} is at {one.highest} already"
        for one in seen.sequences
        if one.behind
    ]
    return (*(f"{one.object}: {one.problem}" for one in seen.remarks), *behind)


def _extra(seen: Snapshot, tally: Tally) -> dict[str, Any]:
    """Name the tables in the order in which a restore begins them: it takes longest for what has most to be read as text."""
    streamed = [one for one in seen.tables if one.streamed]
    tables = [one.stored_as for one in sorted(streamed, key=lambda one: (-tally.printed[one.stream], one.quoted))]
    return {"origin": encode(seen.origin), "tables": encode(tables), "took": tally.took}


def _archives(client: Client, seen: Snapshot) -> Iterator[tuple[int, Part]]:
    """Yield what pg_dump and pg_dumpall print; definitions first, for they take long where there are many."""
    archive = ("pg_dump", "-Fc", "-Z0", "--lock-wait-timeout=30000", f"--snapshot={seen.id}")
    passwords = [] if client.identity.superuser else ["--no-role-passwords"]
    roles = ("pg_dumpall", "--globals-only", f"--database={seen.database}", *passwords)
    streamed = [f"--exclude-table-data={one}" for one in patterns(seen)]
    yield _FIRST, Part("schema", SCHEMA, (*archive, "--section=pre-data", "--section=post-data"))
    yield _FIRST, Part("schema", DATA, (*archive, "--section=data", *streamed))
    yield _FIRST, Part("schema", GLOBALS, roles)


def _tables(seen: Snapshot) -> Iterator[tuple[int, Part]]:
    for one in seen.tables:
        if one.streamed:
            yield one.size, Part("rows", one.stream, PSQL, seen.joined + copying(one, _ROWS, _EMPTY_ROWS))


def _print(client: Client, sink: Sink, tally: Tally, database: str, one: Part) -> None:
    with tally.timed(one.sort), sink.stream(one.stream) as out:
        tally.printed[one.stream] = client.print_into(out, one.argv, database, one.script)


def copying(one: DumpedTable, template: str, without_columns: str) -> str:
    """Fill the places of a COPY."""
    columns: list[Name] = [(column,) for column in one.stored]
    return filled(template if columns else without_columns, table=(one.schema, one.name), columns=columns)


def patterns(seen: Snapshot) -> Iterator[str]:
    """Yield pg_dump's patterns for exactly what is streamed: many names in one, for each one is a look at the catalog."""
    by_schema: dict[str, list[str]] = defaultdict(list)
    streamed = [(one.schema, one.name) for one in seen.tables if one.streamed]
    for schema, name in (*streamed, *((state.sequence.schema, state.sequence.name) for state in seen.sequences)):
        by_schema[schema].append(_literal(name))
    for schema, names in by_schema.items():
        for start in range(0, len(names), _MANY):
            yield f"{_literal(schema)}.({'|'.join(names[start : start + _MANY])})"


def _literal(name: str) -> str:
    """Quote a name so that nothing of it is a pattern."""
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def _set(seen: Snapshot) -> Iterator[str]:
    for state in seen.sequences:
        yield filled(_VALUE, name=state.sequence.quoted, last=state.last, called=state.called)


def _write(sink: Sink, name: str, content: str) -> None:
    with sink.stream(name) as out:
        out.write(content.encode())
