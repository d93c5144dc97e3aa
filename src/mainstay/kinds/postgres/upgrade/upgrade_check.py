"""Is the server ready for its next major version?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

from mainstay.kinds.kind import Session, TaskKind
from mainstay.kinds.postgres.rows import Database, Identity
from mainstay.kinds.postgres.upgrade import image, pg_upgrade
from mainstay.kinds.postgres.upgrade.image import Image
from mainstay.kinds.postgres.upgrade.rules import NEWEST, Cluster, Obstacle, Tried, known, released_before
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On, Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass


@dataclass(frozen=True)
class UpgradeParams:
    """Where to."""

    to: Annotated[int, Setting("major version to upgrade to", ge=14, example="18")] = NEWEST


@dataclass(frozen=True)
class UpgradeFacts:
    """The server, what stands in the way, what could not be looked into, what pg_upgrade says, and the image to be started."""

    server: Identity
    cluster: Cluster
    found: tuple[Obstacle, ...]
    unseen: tuple[str, ...] = ()
    tried: Tried = field(default_factory=Tried)
    image: Image | None = None


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
        tried = pg_upgrade.check(session, identity, cluster)
        return UpgradeFacts(identity, cluster, found, unseen, tried, image.look(session.target.settings.compose))

    def plan(self, facts: UpgradeFacts, params: UpgradeParams, name: str) -> list[Step | Skip]:
        """Refuse an image that cannot read the data directory; there is nothing else to do."""
        refused = image.refusal(facts.image, facts.server.major)
        return [Skip(("image", facts.image.name), refused)] if facts.image and refused else []

    def assess(self, facts: UpgradeFacts, params: UpgradeParams) -> list[Finding]:
        """Name what stands in the way of the version that is wanted."""
        major = facts.server.major
        started = image.judged(facts.image, major)
        if params.to <= major:
            return [Finding(Level.OK, "server", because("version", major, ">=", params.to, "to")), *started]
        found = [*known(facts.server, facts.found, facts.cluster, params.to), *_unseen(facts), *_tried(facts, params)]
        blocked = sum(one.level is Level.CRITICAL for one in found)
        reason = because(
            f"from {major} to {params.to}",
            f"{blocked} obstacle{'s' * (blocked > 1)}" if blocked else "nothing known stands in the way",
        )
        return [Finding(Level.OK, "upgrade", reason, "rehearse it on a copy before the window"), *found, *started]


def _unseen(facts: UpgradeFacts) -> list[Finding]:
    return [
        Finding(Level.WARNING, f"database {name}", because("not looked into", "this role may not connect"), "GRANT CONNECT")
        for name in facts.unseen
    ]


def _tried(facts: UpgradeFacts, params: UpgradeParams) -> Iterator[Finding]:
    tried, on = facts.tried, "pg_upgrade"
    if tried.not_run:
        yield Finding(Level.OK, on, because("not run", tried.not_run))
        return
    if tried.major != params.to:
        yield Finding(Level.OK, on, because("of another version", tried.major, "!=", params.to, "to"))
        return
    if released_before(tried, facts.server):
        reason = because("released before the running version", f"{tried.major}.{tried.minor}")
        yield Finding(
            Level.WARNING, on, reason, "install the newest minor version first: this one may not know what the other has stored"
        )
    if not tried.problems:
        yield Finding(Level.OK, on, because("--check", f"passed in {tried.took}"))
    advice = "mend what it names; see `pg_upgrade --check` by hand for all of it"
    yield from (Finding(Level.CRITICAL, on, because("--check", problem), advice) for problem in tried.problems)
