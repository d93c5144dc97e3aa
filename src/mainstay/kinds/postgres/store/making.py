"""The databases that restores make: created under a mark, given the properties of the original, renamed, removed.

The mark is a setting of the database (`mainstay.made`): only what carries it is ever dropped. A database carries it before it has
the name under which anybody knows it: until then its name is the digest of that name.
"""

from __future__ import annotations

import hashlib
import sys
from typing import Any

from psycopg import sql

from mainstay.kinds.postgres import faults
from mainstay.kinds.postgres.server import Connection, composed
from mainstay.kinds.postgres.statement import Written
from mainstay.kinds.postgres.store.catalog import Origin
from mainstay.kinds.postgres.store.client import Client
from mainstay.model.errors import Refused, StepFailed

LONGEST = 63  # bytes of a name
_CREATE = (
    "CREATE DATABASE {name} TEMPLATE template0 OWNER {owner} ENCODING {encoding} LC_COLLATE {collate} LC_CTYPE {ctype} {more}"
)
_MARK = "ALTER DATABASE {name} SET mainstay.made = restore"
_UNMARK = "ALTER DATABASE {name} RESET mainstay.made"
_RENAME = "ALTER DATABASE {name} RENAME TO {new}"
_DROP = "DROP DATABASE IF EXISTS {name} WITH (FORCE)"
_EXISTS = "SELECT 1 FROM pg_database WHERE datname = %s"
_MARKED = """
SELECT d.datname::text FROM pg_database d JOIN pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = 0
WHERE EXISTS (SELECT FROM unnest(s.setconfig) one WHERE one LIKE 'mainstay.made=%')
"""
_SUBSCRIPTIONS = "SELECT s.subname::text FROM pg_subscription s, pg_database d WHERE d.oid = s.subdbid AND d.datname = %s"
_DETACH = ("ALTER SUBSCRIPTION {name} DISABLE", "ALTER SUBSCRIPTION {name} SET (slot_name = NONE)", "DROP SUBSCRIPTION {name}")


def exists(client: Client, name: str) -> bool:
    """Tell whether a database of that name is there."""
    return bool(client.server.run(_EXISTS, name))


def marked(client: Client) -> set[str]:
    """Return the databases that carry the mark."""
    return {str(name) for (name,) in client.server.run(_MARKED)}


def create(client: Client, name: str, origin: Origin) -> None:
    """Create an empty database that is made like the original; Refused when the server has no such encoding or locale."""
    if exists(client, name):
        raise Refused(
            "a restore never writes over anything", on=f"database {name}", because="it exists", next="choose another name"
        )
    first = _first_name(name)
    with client.connect() as connection:
        do(connection, _DROP, name=(first,))
        places = {part: getattr(origin, part) for part in ("encoding", "collate", "ctype")}
        try:
            do(connection, _CREATE, name=(first,), owner=(origin.owner,), more=Written(_provider(origin)), **places)
        except StepFailed as error:
            raise Refused(
                "the server cannot make a database like the original", on=f"database {name}", because=error.because
            ) from error
        do(connection, _MARK, name=(first,))
        if origin.granted:
            grant(connection, first, origin)
        do(connection, _RENAME, name=(first,), new=(name,))


def dress(connection: Connection, name: str, origin: Origin) -> None:
    """Give a database what the original has outside of itself: settings, also those of roles in it, comment, connection limit."""
    for role, setting, value in origin.settings:
        _set(connection, name, (role, setting), value)
    comment = Written(sql.Literal(origin.comment or None).as_string(None))
    do(connection, "COMMENT ON DATABASE {name} IS {comment}", name=(name,), comment=comment)
    do(connection, "ALTER DATABASE {name} CONNECTION LIMIT {limit}", name=(name,), limit=origin.connection_limit)


def rename(client: Client, name: str, new: str) -> None:
    """Rename a database that carries the mark, and take the mark away."""
    _require_marked(client, name)
    with client.connect() as connection:
        do(connection, _RENAME, name=(name,), new=(new,))
        do(connection, _UNMARK, name=(new,))


def remove(client: Client, name: str) -> None:
    """Drop a database that carries the mark, and what was made on the way to it; nothing when there is nothing."""
    with client.connect() as connection:
        do(connection, _DROP, name=(_first_name(name),))
        if not exists(client, name):
            return
        _require_marked(client, name)
        _detach(client, name)
        do(connection, _DROP, name=(name,))


def _require_marked(client: Client, name: str) -> None:
    if name == client.identity.database or name not in marked(client):
        raise Refused(
            "this database was not made by a restore",
            on=f"database {name}",
            because="it does not carry the setting mainstay.made",
        )


def _detach(client: Client, name: str) -> None:
    """Drop the subscriptions of a copy, and leave the slots at their publishers, which are the original's."""
    for (one,) in client.server.run(_SUBSCRIPTIONS, name):
        with client.connect(name) as connection:
            for statement in _DETACH:
                do(connection, statement, name=(one,))


def _first_name(name: str) -> str:
    return f"mainstay makes {hashlib.sha256(name.encode()).hexdigest()[:32]}"


def _provider(origin: Origin) -> str:
    """Return the options of CREATE DATABASE for a locale that is not the operating system's."""
    locale, rules = (sql.Literal(one).as_string(None) for one in (origin.locale, origin.rules))
    more = f" ICU_RULES {rules}" if origin.rules else ""
    return {"i": f"LOCALE_PROVIDER icu ICU_LOCALE {locale}{more}", "b": f"LOCALE_PROVIDER builtin BUILTIN_LOCALE {locale}"}.get(
        origin.provider, ""
    )


def grant(connection: Connection, name: str, origin: Origin) -> None:
    """Replace what everybody may do by what was granted on the original; the owner's own rights can be fewer than all, too."""
    public = Written("PUBLIC")
    for who in (public, (origin.owner,)):
        do(connection, "REVOKE ALL ON DATABASE {name} FROM {who}", name=(name,), who=who)
    for role, privilege, passed_on in origin.grants:
        text = "GRANT {what} ON DATABASE {name} TO {who}" + (" WITH GRANT OPTION" if passed_on else "")
        do(connection, text, name=(name,), who=(role,) if role else public, what=Written(privilege))


def _set(connection: Connection, name: str, what: tuple[str, str], value: str) -> None:
    """Repeat a setting; the value of a list is a list of its own, not one text."""
    role, setting = what
    head = "ALTER ROLE {role} IN DATABASE {name} SET {setting} = " if role else "ALTER DATABASE {name} SET {setting} = "
    places: dict[str, Any] = {"name": (name,), "setting": tuple(setting.split(".")), **({"role": (role,)} if role else {})}
    [(is_list,)] = connection.execute(_IS_LIST, (setting,)).fetchall()
    if is_list:
        do(connection, head + "{value}", **places, value=Written(value or "''"))
    else:
        do(connection, head + "{value}", **places, value=value)


def do(connection: Connection, template: str, **places: Any) -> None:
    """Run a command on a database; it is heard of before it is sent."""
    sys.audit("mainstay.postgres", template)
    with faults.explained(f"database {connection.info.dbname}"):
        connection.execute(composed(template, places))


_IS_LIST = """SELECT %s IN ('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries',
  'shared_preload_libraries', 'unix_socket_directories', 'debug_io_direct')"""
