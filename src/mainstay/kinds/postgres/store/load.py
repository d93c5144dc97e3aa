"""A restore: a new database made like the original, its definitions, all rows side by side, and then indexes and constraints."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from mainstay.kinds.postgres.settings import qualified
from mainstay.kinds.postgres.statement import Name
from mainstay.kinds.postgres.store import making, one_table
from mainstay.kinds.postgres.store.catalog import Origin, Stored, Supply, filled, rows
from mainstay.kinds.postgres.store.client import PSQL, Client
from mainstay.kinds.postgres.store.dump import DATA, GLOBALS, SCHEMA, SEQUENCES
from mainstay.kinds.postgres.store.fitting import require_fit
from mainstay.kinds.postgres.store.one_table import Archive
from mainstay.kinds.postgres.store.pipes import read_all
from mainstay.model.codec import decode
from mainstay.model.errors import Refused
from mainstay.vault.manifest import Damaged
from mainstay.vault.store import Source

# Frozen at once, so that no vacuum has to come back: nobody sees the table yet. Without the last lines nothing is committed.
_BEGIN = "BEGIN;\nTRUNCATE ONLY {table};\nCOPY {table} ({columns}) FROM STDIN (FREEZE);\n"
_BEGIN_EMPTY = "BEGIN;\nTRUNCATE ONLY {table};\nCOPY {table} FROM STDIN (FREEZE);\n"
_END = b"\\.\nCOMMIT;\n"
_GO_ON = "\\set ON_ERROR_STOP off\n"
_ANALYZE = """
SELECT format('ANALYZE %s', oid::regclass) FROM (
  SELECT oid, row_number() OVER (ORDER BY pg_total_relation_size(oid) DESC, oid) AS number
  FROM pg_class WHERE relkind IN ('r', 'p', 'm') AND relpersistence <> 't'
) AS relations WHERE number % {at_once} = {share} ORDER BY number \\gexec
"""
_PASSWORD = re.compile(r"^(ALTER ROLE .*) PASSWORD '(?:[^']|'')*'", re.MULTILINE)
_ROLE = re.compile(r"(CREATE|ALTER) ROLE |GRANT (?!.* ON )")


def load(client: Client, source: Source, name: str, only: str, *, private: bool) -> None:
    """Rebuild a dump as the database `name`; what is half made is the caller's to remove."""
    origin, wanted = _origin(source), _wanted(source, only)
    if only:
        one_table.require_reachable(client, only)
    if private:
        _create_roles(client, source)
    with client.connect() as connection:
        [place] = rows(connection, Supply)
    require_fit(origin, place, client.program("pg_restore").version, private=private)
    making.create(client, name, origin)
    if only:
        archive = Archive(client, _spooled(source), name)
        one_table.load(archive, wanted[0], partial(_fill, client, source, name, wanted))
    else:
        _everything(client, source, name, wanted, ["--no-tablespaces"] if private else [])
    _analyze(client, name)
    with client.connect() as connection:
        making.dress(connection, name, origin)


def _analyze(client: Client, name: str) -> None:
    """Collect statistics, side by side; vacuumdb would leave out what is partitioned."""
    at_once = client.settings.backup.jobs
    scripts = [filled(_ANALYZE, at_once=at_once, share=share) for share in range(at_once)]
    client.together([partial(client.run, PSQL, name, script.encode()) for script in scripts])


def _origin(source: Source) -> Origin:
    """Return what a dump says of its database; Damaged when it does not say it."""
    try:
        return decode(Origin, source.dump.extra["origin"])
    except (KeyError, TypeError, ValueError) as error:
        raise Damaged("the backup does not say of what database it is", because=str(error)) from error


def _wanted(source: Source, only: str) -> list[Stored]:
    """Return the tables to fill; Refused when there is none of that name, Damaged when a stream is missing."""
    tables = decode(list[Stored], source.dump.extra.get("tables", []))
    needed = {SCHEMA, DATA, SEQUENCES, GLOBALS, *(one.stream for one in tables)}
    if missing := sorted(needed - set(source.names)):
        raise Damaged("a part of the dump is missing", on=missing[0], next="restore from another backup")
    found = [one for one in tables if not only or (one.schema, one.name) == qualified(only)]
    if only and not found:
        raise Refused("the backup has no such table", on=only, because=f"it has {', '.join(one.table for one in tables[:20])}")
    return found


def _create_roles(client: Client, source: Source) -> None:
    """Create the roles of the original at a private server, without their passwords; tablespaces have no place there."""
    with source.stream(GLOBALS) as file:
        script = _PASSWORD.sub(r"\1", file.read().decode())
    lines = [line for line in script.splitlines() if _ROLE.match(line)]
    client.run(PSQL, client.identity.database, "\n".join([_GO_ON, *lines, ""]).encode())


def _everything(client: Client, source: Source, name: str, tables: Sequence[Stored], more: list[str]) -> None:
    """Load all sections. Indexes and keys are made side by side from a file; no path leads into a container."""
    plain = ["pg_restore", "--exit-on-error", "--no-password", *more, "-d", name]
    client.together([partial(_feed, client, source, SCHEMA, name, [*plain, "--section=pre-data"])])
    rest = partial(_feed, client, source, DATA, name, [*plain, "--section=data"])
    client.together([rest, *(partial(_copy, client, source, name, one) for one in tables)])
    client.together([partial(_set_sequences, client, source, name, "")])
    last = [*plain, "--section=post-data"]
    if client.contained:
        client.together([partial(_feed, client, source, SCHEMA, name, last)])
    else:
        jobs = f"--jobs={client.settings.backup.jobs}"
        client.together([partial(client.run, [*last, jobs, str(_spooled(source))], name)])


def _fill(client: Client, source: Source, name: str, tables: Sequence[Stored]) -> None:
    """Load some of the tables, and the values of those sequences that are there."""
    client.together([partial(_copy, client, source, name, one) for one in tables])
    _set_sequences(client, source, name, _GO_ON)


def _spooled(source: Source) -> Path:
    """Copy the archive of definitions into a file, which parallel work reads at several places."""
    path = source.folder / SCHEMA
    with source.stream(SCHEMA) as file, path.open("wb") as out:
        shutil.copyfileobj(file, out)
    return path


def _feed(client: Client, source: Source, stream: str, name: str, argv: list[str]) -> None:
    """Let pg_restore read an archive from its stream."""
    with source.stream(stream) as file:
        client.read_from(read_all(file), argv, name)


def _copy(client: Client, source: Source, name: str, one: Stored) -> None:
    """Load the rows of one table in one transaction."""
    with source.stream(one.stream) as file:
        client.read_from(_script(one, read_all(file)), PSQL, name)


def _script(one: Stored, pieces: Iterator[bytes]) -> Iterator[bytes]:
    columns: list[Name] = [(column,) for column in one.columns]
    yield filled(_BEGIN if columns else _BEGIN_EMPTY, table=(one.schema, one.name), columns=columns).encode()
    yield from pieces
    yield _END


def _set_sequences(client: Client, source: Source, name: str, first: str) -> None:
    with source.stream(SEQUENCES) as file:
        client.run(PSQL, name, first.encode() + file.read())
