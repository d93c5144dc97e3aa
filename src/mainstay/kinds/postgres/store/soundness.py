"""Is a copy sound: no invalid index, no damage that amcheck finds, and everything true that the operator asserts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from mainstay.kinds.postgres import faults
from mainstay.kinds.postgres.server import Connection
from mainstay.kinds.postgres.store.catalog import filled
from mainstay.kinds.postgres.store.client import Client
from mainstay.kinds.postgres.store.snapshot import Snapshot
from mainstay.model.errors import StepFailed
from mainstay.vault.manifest import Damaged

_MANY = 50  # indexes in one script
_AMCHECK = "SELECT n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'amcheck'"
_AVAILABLE = "SELECT 1 FROM pg_available_extensions WHERE name = 'amcheck'"
_CREATE = "CREATE EXTENSION amcheck SCHEMA pg_catalog"
_INDEXES = """
SELECT format('%I.%I', n.nspname, c.relname), c.oid::bigint FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'i' AND c.relam = 403 AND i.indisvalid AND c.relpersistence <> 't' AND n.nspname !~ '^pg_'
ORDER BY pg_relation_size(c.oid) DESC
"""
_CHECK = "SELECT {check}({oid}::oid::regclass, true);\n"

Index = tuple[str, int]


def require_sound(client: Client, seen: Snapshot, *, private: bool) -> tuple[str, ...]:
    """Check a copy, and return what was checked and what was not; Damaged names the object."""
    for one in seen.remarks:
        if one.sort == "damage":
            raise Damaged("the copy is damaged", on=one.object, because=one.problem)
    notes = (_amchecked(client, seen.database, private=private), _asserted(client, seen.database))
    return (f"checked: no index of {seen.database} is invalid", *filter(None, notes))


def _amchecked(client: Client, name: str, *, private: bool) -> str:
    """Check that every row has its entry in every b-tree, and that their order is right."""
    with client.connect(name, default_transaction_read_only="off") as connection, faults.explained(f"database {name}"):
        schema = _amcheck(connection, private=private)
        indexes = [(str(quoted), int(oid)) for quoted, oid in connection.execute(_INDEXES.encode()).fetchall()]
    if schema is None:
        return "amcheck was not run: the extension is not in this copy, and only a private server gets it"
    batches = [indexes[start : start + _MANY] for start in range(0, len(indexes), _MANY)]
    client.together([partial(_check, client, name, schema, batch) for batch in batches])
    return f"checked: amcheck of {len(indexes)} indexes, every row against its entries"


def _amcheck(connection: Connection, *, private: bool) -> str | None:
    """Return the schema of amcheck, None where it is not; a private server gets it if it can."""
    if private and not connection.execute(_AMCHECK.encode()).fetchall() and connection.execute(_AVAILABLE.encode()).fetchall():
        connection.execute(_CREATE.encode())
    found = connection.execute(_AMCHECK.encode()).fetchall()
    return str(found[0][0]) if found else None


def _check(client: Client, name: str, schema: str, batch: list[Index]) -> None:
    """Check indexes in one program; when it fails, one after the other, to name the one that is damaged."""
    script = "".join(filled(_CHECK, check=(schema, "bt_index_check"), oid=oid) for _, oid in batch)
    try:
        client.ask(script, name)
    except StepFailed as error:
        if len(batch) == 1:
            raise Damaged("the copy is damaged", on=f"index {batch[0][0]}", because=error.because) from error
        for one in batch:
            _check(client, name, schema, [one])


def _asserted(client: Client, name: str) -> str:
    """Run what the operator wrote, in sessions that cannot write."""
    assertions = client.settings.backup.assertions
    for what, query in assertions.items():
        for answer in _answers(client, name, what, query):
            if answer is not True:
                raise Damaged("an assertion does not hold in the copy", on=what, because=f"{query!r} yields {str(answer)[:80]}")
    return f"checked: {len(assertions)} assertions hold" if assertions else ""


def _answers(client: Client, name: str, what: str, query: str) -> Iterator[object]:
    try:
        rows = client.server.run(query, database=name)
    except StepFailed as error:
        raise Damaged("an assertion cannot be asked of the copy", on=what, because=error.because) from error
    if not rows:
        yield "nothing"
    for row in rows:
        yield row[0] if len(row) == 1 else "several columns"
