"""Give unused pages back to the file system, where the application can bear the stall."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mainstay.kinds.kind import NoParams, Session, TaskKind, action
from mainstay.kinds.sqlite.content import measure
from mainstay.kinds.sqlite.database import Database, attended, scalar, writing
from mainstay.kinds.sqlite.facts import DatabaseFacts, look
from mainstay.kinds.sqlite.integrity import check_pages
from mainstay.kinds.sqlite.stall import rate, stall
from mainstay.model.because import because
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Cost, Impact, Neutral, On, Skip, Step
from mainstay.model.task import TaskClass
from mainstay.model.units import Duration, Size
from mainstay.system.clock import Deadline
from mainstay.system.files import room
from mainstay.vault.store import Pulse


@dataclass(frozen=True)
class VacuumFacts:
    """The database, how fast VACUUM would be here now, its room, and the problems that a check after it found."""

    database: DatabaseFacts
    rate: Size  # bytes a second
    room: Size
    problems: tuple[str, ...] = ()

    @property
    def stall(self) -> Duration:
        """How long VACUUM is expected to keep every writer waiting."""
        return stall(self.database.live, self.rate, wal=self.database.journal_mode == "wal")


class Vacuum(TaskKind[VacuumFacts, NoParams]):
    """`VACUUM`, when it is worth it and its stall is allowed."""

    name = "vacuum"
    summary = "give unused pages back, where the stall of the application is allowed"
    task_class = TaskClass.CARE
    impact = Impact.BLOCKS_WRITES
    rehearsable = True
    facts = VacuumFacts
    on_stop = "finish"  # half of it is worth nothing, and what it stalls is bounded

    def observe(self, session: Session, on: On | None = None) -> VacuumFacts:
        """Look at the pages and at the speed of the disk; with `on`, check the pages too."""
        folder, deadline = Path(session.target.settings.path).parent, Deadline(session.target.settings.max_integrity)
        connection = session.connection
        problems: tuple[str, ...] = ()
        if on:
            problems = attended(connection, lambda: check_pages(connection, "quick_check"), lambda: session.pulse(deadline))
        return VacuumFacts(look(session), rate(folder), room(folder).free, problems)

    def plan(self, facts: VacuumFacts, params: NoParams, name: str) -> list[Step | Skip]:
        """Worth it, bearable, and possible: else a reason."""
        on, database, limits = ("database",), facts.database, facts.database.settings
        needed = Size(2 * database.live)  # a temporary copy, and the log or journal
        if database.free_share <= limits.max_free_share:
            return [Skip(on, because("free_share", database.free_share, "<=", limits.max_free_share, "max_free_share"))]
        if facts.stall > limits.max_stall:
            what = "expected downtime of the application (stall of every write)"
            return [Skip(on, because(what, facts.stall, ">", limits.max_stall, "max_stall"))]
        if facts.room < needed:
            return [Skip(on, because("free room", facts.room, "<", needed))]
        reason = because("free_share", database.free_share, ">", limits.max_free_share, "max_free_share")
        deadline, cost = Duration(60 + 20 * facts.stall), Cost(bytes=database.live)
        return [Step("vacuum", "vacuum", on, reason, Impact.BLOCKS_WRITES, Neutral(), deadline=deadline, cost=cost)]

    def verify(self, before: VacuumFacts, after: VacuumFacts, step: Step) -> str | None:
        """Few pages are unused, the schema is the same and the pages are sound; the application may have deleted meanwhile."""
        if after.problems:
            return f"the database is damaged: {after.problems[0]}"
        if after.database.schema != before.database.schema:
            return "the schema is not the one of before"
        share, limit = after.database.free_share, after.database.settings.max_free_share
        return f"free_share is still {share} > max_free_share {limit}" if share > limit else None

    @action("vacuum")
    def vacuum(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Rebuild the file. SQLite's own journal makes a killed VACUUM harmless."""

        def pulse() -> None:
            session.pulse(deadline)

        with writing(session.connection) as connection:
            before = _content(connection, pulse)
            attended(connection, lambda: connection.execute("VACUUM"), pulse)
            after = _content(connection, pulse)
        if before.version == after.version and before.digests != after.digests:
            names = ", ".join(sorted(name for name in before.digests if before.digests[name] != after.digests.get(name)))
            raise StepFailed("VACUUM changed content", on=session.target.name, because=names, next="restore a proven backup")


@dataclass(frozen=True)
class _Content:
    """A digest of every table, and a number that changes when another connection commits (PRAGMA data_version)."""

    digests: dict[str, str]
    version: int


def _content(connection: Database, pulse: Pulse) -> _Content:
    """Digest every table, unless readers stop the writer here: without a write-ahead log."""
    wal = connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    digests = attended(connection, lambda: measure(connection), pulse)[1] if wal else {}
    return _Content(digests, scalar(connection, "PRAGMA data_version"))
