"""One table out of a dump: the definitions that it may need as far as they can be made, itself, its rows, and its own indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mainstay.kinds.postgres.store.catalog import Stored
from mainstay.kinds.postgres.store.client import Client
from mainstay.model.errors import Refused

_TYPES = ("TYPE", "SHELL TYPE", "DOMAIN", "COLLATION")
_MAY_NEED = ("SCHEMA -", "EXTENSION -", *_TYPES, "FUNCTION", "AGGREGATE", "SEQUENCE", "OPERATOR")
_NOT_YET = ("SEQUENCE OWNED BY", "SEQUENCE SET")


@dataclass(frozen=True)
class Archive:
    """A dump's definitions in a file, to be restored into one database in parts."""

    client: Client
    path: Path
    database: str

    def entries(self) -> list[str]:
        """Return the lines of the table of contents: number; catalog, oid, sort, schema, name, owner."""
        said = self.client.run(["pg_restore", "--list", str(self.path)], self.database).decode()
        return [line for line in said.splitlines() if line and not line.startswith(";")]

    def restore(self, entries: list[str], run: Callable[..., object], *options: str) -> None:
        """Restore some entries, in their order."""
        chosen = self.path.with_name("chosen.list")
        chosen.write_text("\n".join([*entries, ""]), encoding="utf-8")
        argv = ["pg_restore", *options, "--use-list", str(chosen), "-d", self.database, str(self.path)]
        self.client.together([partial(run, argv, self.database)])


def load(archive: Archive, one: Stored, fill: Callable[[], None]) -> None:
    """Load one table; `fill` loads its rows. Only the table itself has to succeed: functions may need others."""
    client, entries = archive.client, archive.entries()
    archive.restore(_chosen(entries, _MAY_NEED, _NOT_YET), client.attempt)
    archive.restore(_chosen(entries, _of(one, "TABLE", "DEFAULT")), client.run, "--exit-on-error")
    fill()
    own = [*_of(one, "CONSTRAINT", "TRIGGER", "POLICY", "ROW SECURITY"), *(f"INDEX {one.schema} {name} " for name in one.indexes)]
    own += [f"{sort} {one.schema} {part} {one.name} " for sort in ("ACL", "COMMENT") for part in ("TABLE", "COLUMN")]
    archive.restore(_chosen(entries, own), client.attempt)


def require_reachable(client: Client, only: str) -> None:
    """Refuse one table where pg_restore runs in a container: it needs a list and an archive, and has one input."""
    if client.contained:
        raise Refused(
            "one table alone cannot be restored into a container",
            on=only,
            because="no file can be handed to pg_restore there",
            next="restore the whole backup beside the live database, and copy the table from there",
        )


def _of(one: Stored, *sorts: str) -> list[str]:
    return [f"{sort} {one.schema} {one.name} " for sort in sorts]


def _chosen(entries: Iterable[str], beginnings: Iterable[str], but: Iterable[str] = ()) -> list[str]:
    """Return the entries of these sorts: the sort follows a number and two oids."""
    named = [(line, line.split(" ", 3)[-1]) for line in entries]
    return [line for line, rest in named if rest.startswith(tuple(beginnings)) and not rest.startswith(tuple(but))]
