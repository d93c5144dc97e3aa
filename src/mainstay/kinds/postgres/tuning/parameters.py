"""The server's settings: what is in force, what the files say, and what a small read takes under them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import ClassVar

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.settings import PostgresSettings
from mainstay.kinds.postgres.tuning.machine import Machine, Whereabouts, look_machine
from mainstay.model.figure import Figure
from mainstay.model.plan import On
from mainstay.model.units import Duration
from mainstay.system import clock

_BYTES = {"B": 1, "kB": 1024, "8kB": 8192, "MB": 1024**2, "": 1}
_READS = 11
_SMALL_READ = "SELECT count(*) FROM pg_catalog.pg_database"
_BY_INITDB = {"shared_buffers": 128 * 1024**2}  # initdb writes what it found to work, at most this, into postgresql.conf
_SERVER_WIDE = ("default", "configuration file", "override")  # "override": the server has computed it


@dataclass(frozen=True)
class Parameter:
    """One setting as this session sees it. `number`, `built_in`, `least` and `most` are in units of `unit`."""

    sql: ClassVar[str] = "parameters"
    extension: ClassVar[str] = ""

    name: str
    number: float
    unit: str
    context: str
    source: str
    file: str
    line: int
    built_in: float
    least: float
    most: float
    pending: bool

    @property
    def amount(self) -> float:
        """The value in bytes; of a setting without a unit the plain number."""
        return self.number * _BYTES[self.unit]

    @property
    def restart(self) -> bool:
        """True when only a restart brings a new value into force."""
        return self.context == "postmaster"

    @property
    def chosen(self) -> str:
        """Where a person has set it so that ALTER SYSTEM would not be heard or would go over their wish; "" for nowhere."""
        if self.source not in _SERVER_WIDE:
            return self.source
        if self.source != "configuration file" or self.file.endswith("/postgresql.auto.conf"):
            return ""
        as_made = self.number == self.built_in or self.amount == _BY_INITDB.get(self.name)
        return "" if as_made else f"{self.file or 'a file that this role may not see'}:{self.line}"

    def numbered(self, amount: float) -> float:
        """Return an amount in units of the setting, within its bounds; whole where it has a unit."""
        bounded = min(max(amount / _BYTES[self.unit], self.least), self.most)
        return float(int(bounded)) if self.unit else bounded

    def written(self, number: float) -> str:
        """Return a number as the server's files have it: 4GB, 0.9, -1."""
        if not self.unit or number < 0:
            return f"{number:g}"
        whole = int(number) * _BYTES[self.unit]
        unit, size = next((unit, size) for unit, size in (("GB", 2**30), ("MB", 2**20), ("kB", 2**10)) if whole % size == 0)
        return f"{whole // size}{unit}"


@dataclass(frozen=True)
class Entry:
    """One line of a configuration file: of those that ALTER SYSTEM writes, or with a problem."""

    sql: ClassVar[str] = "file_entries"
    extension: ClassVar[str] = ""

    name: str
    value: str
    file: str
    line: int
    automatic: bool
    problem: str


@dataclass(frozen=True)
class Override:
    """A setting of one database (of one role): "" stands for every database, or every role."""

    sql: ClassVar[str] = "overrides"
    extension: ClassVar[str] = ""

    database: str
    role: str
    name: str
    value: str


@dataclass(frozen=True)
class Alterable:
    """A setting that this role may change."""

    sql: ClassVar[str] = "alterable"
    extension: ClassVar[str] = ""

    name: str


@dataclass(frozen=True)
class TuneFacts:
    """The settings, with what they should fit to. `latency` is that of a small read."""

    at: datetime
    settings: PostgresSettings
    where: Whereabouts
    machine: Machine
    parameters: tuple[Parameter, ...]
    alterable: tuple[str, ...]
    entries: tuple[Entry, ...]
    overrides: tuple[Override, ...]
    latency: Duration

    def parameter(self, name: str) -> Parameter:
        """Return a setting."""
        return next(one for one in self.parameters if one.name == name)

    def entry(self, name: str) -> str | None:
        """Return what ALTER SYSTEM has written for a setting: the last line counts."""
        return next((one.value for one in reversed(self.entries) if one.automatic and one.name == name), None)

    def figures(self) -> Iterator[Figure]:
        """Yield what a report compares: each setting, a small read, and how often the cache had what was read."""
        for one in self.parameters:
            yield Figure(f"setting {one.name}", one.amount, "B" if one.unit else "")
        yield Figure("small read", self.latency, "s", at_most=self.settings.limits.latency)
        if self.where.cache_hit is not None:
            yield Figure("cache hit since reset", self.where.cache_hit, "share", at_least=self.settings.limits.cache_hit)

    @property
    def problems(self) -> tuple[Entry, ...]:
        """The lines with which a reload changes nothing and a restart may fail."""
        return tuple(one for one in self.entries if one.problem)


def look_parameters(session: Session, on: On | None = None) -> TuneFacts:
    """Look at all settings that may be tuned, or at `("setting", name)` alone; then the machine is left out."""
    server = session.connection
    where = server.read(Whereabouts)[0]
    parameters = tuple(one for one in server.read(Parameter) if on is None or one.name == on[1])
    names = {one.name for one in parameters}
    return TuneFacts(
        clock.now(),
        session.target.settings,
        where,
        look_machine(session, where) if on is None else Machine(),
        parameters,
        tuple(one.name for one in server.read(Alterable) if one.name in names),
        _entries(session, names) if where.sees_files else (),
        tuple(one for one in server.read(Override) if one.name in names),
        _latency(session),
    )


def _entries(session: Session, names: set[str]) -> tuple[Entry, ...]:
    """Read what the files say of some settings, and where they have a problem; values of others may be secrets."""
    found: tuple[Entry, ...] = session.connection.read(Entry)
    kept = (one for one in found if one.name in names or one.problem)
    return tuple(one if one.name in names else replace(one, value="") for one in kept)


def _latency(session: Session) -> Duration:
    """Return how long a small read takes in the middle of several."""

    def once() -> float:
        began = clock.monotonic()
        session.connection.run(_SMALL_READ)
        return clock.monotonic() - began

    return Duration(median(once() for _ in range(_READS)))
