"""Rules that rows should obey, what of each table has to be known before rows leave it, and how many rows break a rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.settings import Orphans, Rule, qualified
from mainstay.kinds.postgres.statement import Name, Place, Statement, Written
from mainstay.model.errors import DeadlinePassed, Refused, StepFailed
from mainstay.model.plan import On
from mainstay.model.units import Duration, Size

SCHEMA = "mainstay_quarantine"
LOST = (
    "num_nulls({columns}) = 0 AND ({where}\n) AND NOT EXISTS"
    " (SELECT FROM {parent} AS parent WHERE ROW({parent_columns}) = ROW({columns}))"
)
CHOSEN = "({where}\n)"  # the end of the line ends a comment in it

_COUNT = (
    "SELECT n.nspname::text, c.relname::text, o.found FROM (SELECT child.tableoid AS part, count(*) AS found"
    " FROM {{table}} AS child WHERE {} GROUP BY 1) o"
    " JOIN pg_catalog.pg_class c ON c.oid = o.part JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ORDER BY 1, 2"
)
_EXAMPLES = "SELECT ROW({{key}})::text FROM {{table}} AS child WHERE {} LIMIT 5"
_MOVED = Statement("SELECT count(*) FROM {kept}")


@dataclass(frozen=True)
class Holder:
    """A table that rows may be moved out of. `hindrance` says why not, `refuses` which constraints let none of them back."""

    sql: ClassVar[str] = "orphan_tables"
    extension: ClassVar[str] = ""

    database: str
    schema: str
    name: str
    oid: int
    kind: str
    readable: bool
    columns: tuple[str, ...]
    key: tuple[str, ...]
    hindrance: str
    refuses: str


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key, and why it may be broken, "" when nothing says so."""

    sql: ClassVar[str] = "probed_keys"
    extension: ClassVar[str] = ""

    database: str
    name: str
    schema: str
    child: str
    columns: tuple[str, ...]
    parent_schema: str
    parent: str
    parent_columns: tuple[str, ...]
    doubt: str


@dataclass(frozen=True)
class Kept:
    """A table in quarantine; its age is since it was made."""

    sql: ClassVar[str] = "quarantine"
    extension: ClassVar[str] = ""

    database: str
    name: str
    rule: str
    origin: str
    age: Duration
    size: Size


@dataclass(frozen=True)
class LargeObjects:
    """The large objects of a database; with `unread` columns some of the unreferenced may be referenced."""

    sql: ClassVar[str] = "large_objects"
    extension: ClassVar[str] = ""

    database: str
    total: int
    unreferenced: int
    unread: int


@dataclass(frozen=True)
class Probe:
    """A rule with every name as the catalog has it. `doubt` is set for a foreign key: nobody declared that its rows may go."""

    name: str
    database: str
    table: Name
    parent: Name = ()
    columns: tuple[str, ...] = ()
    parent_columns: tuple[str, ...] = ()
    where: str = "true"
    doubt: str = ""

    def condition(self, text: str) -> Statement:
        """Return a statement with the condition that this rule has; its table is `child` there."""
        return Statement(text.format(LOST if self.parent else CHOSEN))

    def places(self) -> dict[str, Place]:
        """Return what the condition needs."""
        known: dict[str, Place] = {"table": self.table, "where": Written(self.where)}
        if not self.parent:
            return known
        columns: list[Name] = [("child", one) for one in self.columns]
        parents: list[Name] = [("parent", one) for one in self.parent_columns]
        return {**known, "parent": self.parent, "columns": columns, "parent_columns": parents}


@dataclass(frozen=True)
class Count:
    """How many rows of one table break one rule, with at most five keys; `problem` says why nobody could count."""

    probe: Probe
    part: Name
    rows: int
    examples: tuple[str, ...] = ()
    problem: str = ""

    @property
    def on(self) -> On:
        """Its structured id in plans."""
        return ("rows", self.probe.database, *self.part, self.probe.name)


@dataclass(frozen=True)
class OrphanFacts:
    """How many rows break each rule, the tables that they are in, and what is in quarantine, by name with its rows."""

    counts: tuple[Count, ...]
    holders: tuple[Holder, ...] = ()
    kept: tuple[Kept, ...] = ()
    moved: dict[str, int] = field(default_factory=dict)
    large_objects: tuple[LargeObjects, ...] = ()
    held: frozenset[str] = frozenset()

    def holder(self, one: Count) -> Holder:
        """Return the table that rows are in."""
        return next(
            known for known in self.holders if (known.database, known.schema, known.name) == (one.probe.database, *one.part)
        )


def probes(orphans: Orphans, database: str, keys: tuple[ForeignKey, ...], tables: dict[Name, Holder]) -> list[Probe]:
    """Return the declared rules and the foreign keys to look at, each with the database that its tables are in."""
    declared = [_declared(name, rule, database) for name, rule in orphans.rules.items()]
    wanted = [one for one in keys if orphans.foreign_keys == "all" or (orphans.foreign_keys == "suspect" and one.doubt)]
    return [*declared, *(_derived(key, tables) for key in wanted if (key.schema, key.child) in tables)]


def count(session: Session, probe: Probe, tables: dict[Name, Holder]) -> list[Count]:
    """Count the rows that break a rule, partition by partition."""
    holder = tables.get(probe.table)
    if holder is None or not holder.readable:
        return [Count(probe, probe.table, 0, problem="this role may not read it" if holder else "there is no such table")]
    places, server = probe.places(), session.connection
    key: list[Name] = [("child", one) for one in holder.key or ("ctid",)]
    try:
        found = server.ask(probe.condition(_COUNT), database=probe.database, **places)
        shown = server.ask(probe.condition(_EXAMPLES), database=probe.database, key=key, **places) if found else []
    except (StepFailed, DeadlinePassed, Refused) as error:
        return [Count(probe, probe.table, 0, problem=error.because)]
    examples = tuple(str(one)[:80] for (one,) in shown)
    return [Count(probe, (schema, name), rows, examples) for schema, name, rows in found] or [Count(probe, probe.table, 0)]


def moved(session: Session, kept: Kept) -> int:
    """Return how many rows a table in quarantine has."""
    counted: list[tuple[Any, ...]] = session.connection.ask(_MOVED, database=kept.database, kept=(SCHEMA, kept.name))
    return int(counted[0][0])


def _declared(name: str, rule: Rule, database: str) -> Probe:
    parent = qualified(rule.parent) if rule.parent else ()
    columns, parents = tuple(rule.columns), tuple(rule.columns.values())
    where = rule.where or "true"
    return Probe(name, rule.database or database, qualified(rule.table), parent, columns, parents, where)


def _derived(key: ForeignKey, tables: dict[Name, Holder]) -> Probe:
    """A foreign key is not inherited: what hangs below its table by inheritance, and is no partition, does not count."""
    holder = tables[(key.schema, key.child)]
    where = "true" if holder.kind == "p" else f"child.tableoid = {holder.oid}"
    parent, doubt = (key.parent_schema, key.parent), key.doubt or "validated"
    return Probe(key.name, key.database, (key.schema, key.child), parent, key.columns, key.parent_columns, where, doubt)


def look(session: Session, on: On | None = None) -> OrphanFacts:
    """Count what breaks each rule in the databases that are cared for, or look at the object of one step."""
    server, wanted = session.connection, session.target.settings.orphans
    own, named = server.identity().database, (rule.database for rule in wanted.rules.values() if rule.database)
    looked = (on[1],) if on else tuple(dict.fromkeys([*server.databases(), *named]))
    counts: list[Count] = []
    holders: list[Holder] = []
    kept: list[Kept] = []
    objects: list[LargeObjects] = []
    for database in looked:
        tables: dict[Name, Holder] = {(one.schema, one.name): one for one in server.read(Holder, database)}
        here = [one for one in probes(wanted, own, server.read(ForeignKey, database), tables) if one.database == database]
        found = [one for probe in here if on is None or probe.name == on[-1] for one in count(session, probe, tables)]
        counts += [one for one in found if on in (None, one.on)]
        holders += [tables[one.part] for one in found if one.rows]
        kept += server.read(Kept, database)
        objects += server.read(LargeObjects, database) if wanted.large_objects and on is None else ()
    there = {one.name: moved(session, one) for one in kept}
    return OrphanFacts(tuple(counts), tuple(dict.fromkeys(holders)), tuple(kept), there, tuple(objects), session.held)
