"""Is this a quiet moment: how many client sessions were at work within the last minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar

from mainstay.kinds.kind import Session, TaskKind
from mainstay.kinds.postgres.rows import Identity
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration
from mainstay.system import clock

_OWN = ("mainstay", "mainstay *")
_MONITORING = ("*exporter*", "*nagios*", "*zabbix*", "check_postgres*", "datadog*", "pganalyze*", "pgwatch*", "telegraf*")


@dataclass(frozen=True)
class Client:
    """Sessions of one user, application and address: for each the seconds since it last did something, 0 while it works."""

    sql: ClassVar[str] = "clients"
    extension: ClassVar[str] = ""

    user: str
    application: str
    address: str
    quiet: tuple[int, ...]
    hidden: int  # sessions of which this role may not see when they were active

    def __str__(self) -> str:
        return f"{self.user} ({self.application or 'unnamed'}) from {self.address}"


@dataclass(frozen=True)
class ActivityFacts:
    """Who is connected. What came and went is not seen: sessions that last for one request count while they are there."""

    at: datetime
    server: Identity
    clients: tuple[Client, ...]


@dataclass(frozen=True)
class ActivityParams:
    """What is quiet."""

    within: Annotated[Duration, Setting("a session counts if it did something within", ge=1, example="10m")] = Duration(600)
    quiet_below: Annotated[int, Setting("fewer sessions than these are a quiet moment", ge=1, example="10")] = 10
    ignore: Annotated[
        tuple[str, ...], Setting("application names that are no users, with `*` and `?`, in lower case", example="['cron*']")
    ] = _MONITORING


class Activity(TaskKind[ActivityFacts, ActivityParams]):
    """Count sessions, not lines of a log: Mainstay's own, those of monitoring and those that idle are nobody at work."""

    name = "activity"
    summary = "client sessions that were at work within the last minutes: is this a time for maintenance"
    task_class = TaskClass.CHECK
    facts = ActivityFacts
    params = ActivityParams

    def observe(self, session: Session, on: On | None = None) -> ActivityFacts:
        """Look at the sessions of all databases."""
        server = session.connection
        return ActivityFacts(clock.now(), server.identity(), server.read(Client))

    def assess(self, facts: ActivityFacts, params: ActivityParams) -> list[Finding]:
        """Compare the number of sessions at work; what cannot be seen is said."""
        users = [one for one in facts.clients if not _ignored(one, params)]
        working = {one: sum(quiet <= params.within for quiet in one.quiet) for one in users}
        return [_judged(working, params), *_hidden(sum(one.hidden for one in users), facts)]


def _ignored(client: Client, params: ActivityParams) -> bool:
    return any(fnmatchcase(client.application.lower(), pattern) for pattern in (*_OWN, *params.ignore))


def _judged(working: dict[Client, int], params: ActivityParams) -> Finding:
    found, limit = sum(working.values()), params.quiet_below
    if found < limit:
        return Finding(Level.OK, "activity", because("sessions at work", found, "<", limit, "quiet_below"), "low")
    most = sorted(working, key=lambda one: working[one], reverse=True)[:3]
    users = ", ".join(f"{working[one]} of {one}" for one in most)
    reason = because("sessions at work", found, ">=", limit, "quiet_below")
    return Finding(Level.WARNING, "activity", reason, f"choose another time; most of them: {users}")


def _hidden(hidden: int, facts: ActivityFacts) -> list[Finding]:
    if not hidden:
        return []
    advice = f'nobody can tell whether they work: GRANT pg_monitor TO "{facts.server.role}"'
    return [Finding(Level.WARNING, "activity", because("sessions that cannot be seen", hidden), advice)]
