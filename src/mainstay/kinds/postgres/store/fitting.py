"""Why a dump cannot be loaded at a server: found out, and said by name, before anything is made."""

from __future__ import annotations

from mainstay.kinds.postgres.store.catalog import Origin, Supply
from mainstay.model.errors import Refused


def require_fit(origin: Origin, place: Supply, pg_restore: str, *, private: bool) -> None:
    """Raise Refused unless the server has all that a dump needs; a private server gets along without tablespaces."""
    lacking = [*_versions(origin, place, pg_restore), *_named("role", origin.roles, place.roles, "create it")]
    versions = dict(one.rsplit(" ", 1) for one in origin.extensions)
    missing = [f"extension {name} {versions[name]}" for name in versions if name not in place.extensions]
    lacking += [f"{one} is not available: install its package" for one in missing]
    if not private:
        lacking += _named("tablespace", origin.tablespaces, place.tablespaces, "create it")
    if lacking:
        raise Refused(
            "the backup does not fit this server",
            on=f"backup of {origin.name}",
            because="; ".join(lacking),
            next="then try again",
        )


def _versions(origin: Origin, place: Supply, pg_restore: str) -> list[str]:
    found = []
    if place.major < origin.major:
        found.append(f"the server is version {place.major}, the backup is of version {origin.major}: restore to a newer server")
    if int(pg_restore.split(".")[0]) < origin.major:
        found.append(f"pg_restore is version {pg_restore}, the backup is of version {origin.major}: install a newer client")
    return found


def _named(what: str, wanted: tuple[str, ...], there: tuple[str, ...], cure: str) -> list[str]:
    return [f"{what} {name} does not exist: {cure}" for name in wanted if name not in there]
