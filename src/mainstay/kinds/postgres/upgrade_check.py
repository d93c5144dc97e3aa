"""Is the server ready for its next major version?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mainstay.kinds.kind import Session, TaskKind
from mainstay.kinds.postgres import pg_upgrade
from mainstay.kinds.postgres.rows import Database, Identity
from mainstay.kinds.postgres.upgrade_rules import NEWEST, Cluster, Obstacle, Tried, known
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass


@dataclass(frozen=True)
class UpgradeParams:
    """Where to."""

    to: Annotated[int, Setting("major version to upgrade to", ge=14, example="18")] = NEWEST


@dataclass(frozen=True)
class UpgradeFacts:
    """The server, what stands in the way, the databases that could not be looked into, and what pg_upgrade itself says."""

    server: Identity
    cluster: Cluster
    found: tuple[Obstacle, ...]
    unseen: tuple[str, ...] = ()
    tried: Tried = field(default_factory=Tried)


class UpgradeCheck(TaskKind[UpgradeFacts, UpgradeParams]):
    """Every database of the server is looked into; where the newer programs are, `pg_upgrade --check` is asked as well."""

    name = "upgrade_check"
    summary = "what stands in the way of the next major version, from the catalogs and from pg_upgrade --check"
    task_class = TaskClass.CHECK
    facts = UpgradeFacts
    params = UpgradeParams

    def observe(self, session: Session, on: On | None = None) -> UpgradeFacts:
        """Look into every database that this role may enter; the upgrade takes all of them."""
        server = session.connection
        identity, cluster, databases = server.identity(), server.read(Cluster)[0], server.read(Database)
        found = tuple(one for known in databases if known.allowed for one in server.read(Obstacle, known.name))
        unseen = tuple(one.name for one in databases if not one.allowed)
        return UpgradeFacts(identity, cluster, found, unseen, pg_upgrade.check(session, identity, cluster))

    def assess(self, facts: UpgradeFacts, params: UpgradeParams) -> list[Finding]:
        """Name what stands in the way of the version that is wanted."""
        major = facts.server.major
        if params.to <= major:
            return [Finding(Level.OK, "server", because("version", major, ">=", params.to, "to"))]
        found = [*known(facts.server, facts.found, facts.cluster, params.to), *_unseen(facts), *_tried(facts.tried, params)]
        blocked = sum(one.level is Level.CRITICAL for one in found)
        reason = because(f"from {major} to {params.to}", f"{blocked} obstacles" if blocked else "nothing known stands in the way")
        return [Finding(Level.OK, "upgrade", reason, "rehearse it on a copy before the window"), *found]


def _unseen(facts: UpgradeFacts) -> list[Finding]:
    return [
        Finding(Level.WARNING, f"database {name}", because("not looked into", "this role may not connect"), "GRANT CONNECT")
        for name in facts.unseen
    ]


def _tried(tried: Tried, params: UpgradeParams) -> list[Finding]:
    if tried.not_run:
        return [Finding(Level.OK, "pg_upgrade", because("not run", tried.not_run))]
    if tried.version != str(params.to):
        return [Finding(Level.OK, "pg_upgrade", because("of another version", tried.version, "!=", params.to, "to"))]
    if not tried.problems:
        return [Finding(Level.OK, "pg_upgrade", because("--check", f"passed in {tried.took}"))]
    advice = "mend what it names; see `pg_upgrade --check` by hand for all of it"
    return [Finding(Level.CRITICAL, "pg_upgrade", because("--check", problem), advice) for problem in tried.problems]
