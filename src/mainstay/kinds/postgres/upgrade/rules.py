"""What stands between a server and its next major version, and what each of it means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from mainstay.kinds.postgres.rows import Identity
from mainstay.model.because import Finding, Level, because
from mainstay.model.units import Duration, Size

NEWEST = 18


@dataclass(frozen=True)
class Topic:
    """What is found, from which version on it matters (0 = any), how bad it is then, and what to do before the upgrade."""

    name: str
    since: int
    level: Level
    advice: str


TOPICS = {
    "reg": Topic("columns of a type that stores an object's number", 0, Level.CRITICAL, "change them to text"),
    "system rows": Topic("columns that store rows of the system catalogs", 0, Level.CRITICAL, "drop them, or use jsonb"),
    "aclitem": Topic("columns of the type aclitem", 16, Level.CRITICAL, "change them to text"),
    "postfix operator": Topic("postfix operators", 14, Level.CRITICAL, "drop them; a function does the same"),
    "array function": Topic(
        "aggregates and operators on anyarray functions", 14, Level.CRITICAL, "drop them; make them anew with anycompatiblearray"
    ),
    "encoding conversion": Topic("encoding conversions", 14, Level.CRITICAL, "drop them; make them anew afterwards"),
    "nullable in a child": Topic(
        "columns that may be NULL in a child and not in its parent", 18, Level.CRITICAL, "ALTER TABLE ... ALTER ... SET NOT NULL"
    ),
    "library": Topic("libraries that the new version has to have as well", 0, Level.WARNING, "install their packages for it"),
    "extension behind": Topic("extensions older than what is installed", 0, Level.WARNING, "ALTER EXTENSION ... UPDATE"),
    "subscription": Topic("subscriptions", 0, Level.WARNING, "disable them first; from 17 on they keep their position"),
}
REMOVED = {  # https://www.postgresql.org/docs/release/, the incompatibilities of each version
    "operator_precedence_warning": 14,
    "vacuum_cleanup_index_scale_factor": 14,
    "stats_temp_directory": 15,
    "promote_trigger_file": 16,
    "vacuum_defer_cleanup_age": 16,
    "db_user_namespace": 17,
    "old_snapshot_threshold": 17,
    "trace_recovery_messages": 17,
}

_TOGETHER = {13: 23, 14: 20, 15: 15, 16: 11, 17: 7, 18: 1}  # minor versions of November 2025; all majors are released together


@dataclass(frozen=True)
class Obstacle:
    """Something in a database that an upgrade trips over: the first object, and how many there are."""

    sql: ClassVar[str] = "obstacles"
    extension: ClassVar[str] = ""

    database: str
    topic: str
    object: str
    count: int


@dataclass(frozen=True)
class Cluster:
    """How the cluster was made, and what stands in the way as a whole; `md5` is None where this role may not see passwords."""

    sql: ClassVar[str] = "cluster"
    extension: ClassVar[str] = ""

    installer: str
    encoding: str
    collate: str
    ctype: str
    provider: str
    locale: str
    segment: Size
    folder: str
    port: int
    prepared: int
    closed: tuple[str, ...]
    logical: tuple[str, ...]
    physical: tuple[str, ...]
    inside: tuple[str, ...]
    spaces: tuple[str, ...]
    preloaded: str
    size: Size
    set: tuple[str, ...]
    md5: int | None


@dataclass(frozen=True)
class Tried:
    """What `pg_upgrade --check` of the new version said: its checks that failed, or why it was not run."""

    major: int = 0
    minor: int = 0
    problems: tuple[str, ...] = ()
    not_run: str = ""
    took: Duration = Duration(0)


def known(server: Identity, found: tuple[Obstacle, ...], cluster: Cluster, to: int) -> Iterator[Finding]:
    """Yield what is known to stand in the way of a version, as pg_upgrade would find it, and what it would not say."""
    for one in found:
        topic = TOPICS[one.topic]
        if not topic.since or server.major < topic.since <= to:
            more = f", such as {one.object}" if one.count > 1 else f": {one.object}"
            yield Finding(topic.level, f"database {one.database}", because(topic.name + more, one.count, ">", 0), topic.advice)
    yield from _cluster(server, cluster, to)
    yield from _settings(server, cluster, to)


def released_before(tried: Tried, server: Identity) -> bool:
    """Tell whether programs are older than the running server: what that has stored they may not know."""
    if not {tried.major, server.major} <= _TOGETHER.keys():
        return False
    return tried.minor - _TOGETHER[tried.major] < server.version % 100 - _TOGETHER[server.major]


def _cluster(server: Identity, cluster: Cluster, to: int) -> Iterator[Finding]:
    if cluster.prepared:
        reason = because("prepared transactions", cluster.prepared, ">", 0)
        yield Finding(Level.CRITICAL, "server", reason, "COMMIT PREPARED or ROLLBACK PREPARED each: pg_prepared_xacts")
    for name in cluster.closed:
        advice = f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true, or drop it'
        yield Finding(Level.CRITICAL, f"database {name}", because("accepts connections", "no"), advice)
    for name in cluster.inside:
        yield Finding(Level.CRITICAL, f"tablespace {name}", because("lies inside the data directory", cluster.folder), "move it")
    for name in cluster.logical if server.major < 17 else ():
        advice = "logical slots are not carried over from before 17: make it anew, and copy what its consumer missed"
        yield Finding(Level.WARNING, f"slot {name}", because("logical slot of version", server.major, "<", 17), advice)
    for name in cluster.physical:
        yield Finding(Level.WARNING, f"slot {name}", because("physical slot", "not carried over"), "make its standby anew")
    if cluster.md5 and to >= 18:
        reason = because("passwords stored as md5, which 18 deprecates", cluster.md5, ">", 0)
        yield Finding(Level.WARNING, "roles", reason, "set them anew with password_encryption = scram-sha-256")
    if cluster.md5 is None and to >= 18:
        yield Finding(Level.OK, "roles", because("passwords stored as md5", "this role may not see pg_authid"))
    if to >= 18 > server.major and not server.checksums:
        advice = (
            "initdb --no-data-checksums for the new cluster, or switch them on first: pg_checksums --enable on the stopped server"
        )
        yield Finding(Level.WARNING, "server", because("data_checksums", "off, and on by default from 18 on"), advice)


def _settings(server: Identity, cluster: Cluster, to: int) -> Iterator[Finding]:
    for name, since in REMOVED.items():
        if name in cluster.set and server.major < since <= to:
            advice = "leave it out of the new configuration: the server would not start with it"
            yield Finding(Level.WARNING, f"setting {name}", because("removed in", since), advice)
