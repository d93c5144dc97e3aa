"""The plans of other people's statements, without running them and without their values."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mainstay.kinds.postgres import faults, sqltext
from mainstay.kinds.postgres.performance.counters import Spent
from mainstay.kinds.postgres.rows import Identity
from mainstay.kinds.postgres.server import Server
from mainstay.model.errors import MainstayError

_LONGEST = 4000  # characters of a plan
_TEXT = (
    "SELECT query FROM pg_stat_statements WHERE concat_ws('/', dbid, userid, queryid, toplevel) = %s AND length(query) < 10000"
)
_READS = re.compile(r"\s*(select|with|values|table)\b", re.IGNORECASE)
_LIMITS = {"statement_timeout": "1000", "default_transaction_read_only": "on", "jit": "off"}


def explained(server: Server, counted_in: str, role: Identity, statements: Iterable[Spent]) -> dict[str, str]:
    """Return the generic plan of each reading statement, or why there is none, by its key (EXPLAIN (GENERIC_PLAN), version 16).

    Planning may run functions that the statement's author has written: a superuser plans the statements of its own role alone.
    """
    found = {}
    for one in statements:
        if _READS.match(one.query) and (not role.superuser or one.role == role.role):
            for (text,) in server.run(_TEXT, one.key, database=counted_in):
                found[one.key] = _plan(server, one.database, text)
    return found


def _plan(server: Server, database: str, text: str) -> str:
    """Plan a statement in a session of its own, with the names that this role finds there.

    The counters replace literals by parameters: a text that still has any, or a semicolon, is not one statement for certain.
    """
    if sqltext.masked(text) != text or ";" in text:
        return "no plan: the text holds literals, comments or semicolons"
    try:
        with server.connect(database, **_LIMITS) as connection, faults.explained(f"{server.name}, database {database}"):
            lines = connection.execute(f"EXPLAIN (GENERIC_PLAN) {text}".encode()).fetchall()
    except MainstayError as error:
        return f"no plan: {error.because}"
    return "\n".join(sqltext.masked(line) for (line,) in lines)[:_LONGEST]
