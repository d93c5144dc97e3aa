"""Take a base backup of the whole cluster into the archive."""

from __future__ import annotations

from dataclasses import replace

from mainstay.kinds.kind import NoParams, Session, TaskKind, action
from mainstay.kinds.postgres.recovery import taking
from mainstay.kinds.postgres.recovery.facts import ArchiveFacts, configured, look
from mainstay.kinds.postgres.recovery.folder import Archive
from mainstay.model.because import Because, because
from mainstay.model.plan import Cost, Impact, On, Skip, Step
from mainstay.model.task import Lock, TaskClass
from mainstay.model.units import Duration
from mainstay.system import process
from mainstay.system.clock import Deadline
from mainstay.vault.names import BackupId


class BaseBackup(TaskKind[ArchiveFacts, NoParams]):
    """pg_basebackup, packed on the way; it is seen only when it is complete and equals the manifest that the server made."""

    name = "base_backup"
    summary = "one complete, compared base backup of the cluster, from which and from the log any later moment can be recovered"
    task_class = TaskClass.BACKUP
    impact = Impact.LOAD
    facts = ArchiveFacts

    def observe(self, session: Session, on: On | None = None) -> ArchiveFacts:
        """Look at the archive and at the server; at one base backup with `on`."""
        facts = look(session)
        return replace(facts, bases=tuple(one for one in facts.bases if one.base.id == on[1])) if on else facts

    def plan(self, facts: ArchiveFacts, params: NoParams, name: str) -> list[Step | Skip]:
        """Always one, where the log comes in and there is room."""
        if (reason := _obstacle(facts)) is not None:
            return [Skip(("base", facts.name), reason)]
        assert facts.source
        id, last = BackupId.of(facts.at, facts.name, name), facts.bases[-1].base if facts.bases else None
        why = because("base backups", 0)
        if last is not None:
            why = because("age of the newest base backup", Duration((facts.at - last.ended).total_seconds()))
        args, cost = {"id": id}, Cost(bytes=facts.source.size)
        deadline = Duration(12 * 3600)
        return [
            Step(
                f"base_backup {facts.name}",
                "base_backup",
                ("base", id),
                why,
                Impact.LOAD,
                args=args,
                deadline=deadline,
                cost=cost,
            )
        ]

    def verify(self, before: ArchiveFacts, after: ArchiveFacts, step: Step) -> str | None:
        """It is in the archive, which shows complete ones only."""
        return None if after.base(step.args["id"]) else f"the archive has no base backup {step.args['id']}"

    def locks(self, resource: str, params: NoParams) -> tuple[Lock, ...]:
        """Beside everybody at the server; alone on what the archive keeps."""
        return (Lock(resource, exclusive=False), Lock(f"{resource}#archive"))

    @action("base_backup")
    def base_backup(self, session: Session, step: Step, deadline: Deadline) -> None:
        """Stream, pack, compare, wait for its log, publish."""
        self.tidy(session, step, deadline)
        archive = Archive(configured(session).path)
        if not (archive.bases / step.args["id"]).exists():
            taking.take(session, archive, BackupId(step.args["id"]), deadline)

    def tidy(self, session: Session, step: Step, deadline: Deadline) -> None:
        """End what a killed attempt has started, and remove what it has left."""
        process.end_tagged(session.door.tag)
        taking.clear(Archive(configured(session).path), BackupId(step.args["id"]))


def _obstacle(facts: ArchiveFacts) -> Because | None:
    """Say why a base backup cannot be taken, or would be worth nothing."""
    source = facts.source
    if source is None:
        return because("the server cannot be asked", facts.trouble)
    if source.standby:
        return because("this is a standby: its primary is what is backed up", None)
    if source.spaces:
        return because("it has a tablespace, which this version does not back up", source.spaces[0])
    if source.wal_level == "minimal":
        return because("wal_level", "minimal")
    if not facts.there or not facts.system:
        return because("nothing has been archived yet: start `mainstay wal receive`", None)
    if facts.system != source.system:
        return because("the archive is of system", facts.system, "!=", source.system)
    if facts.settings.slot and not (facts.reader and facts.reader.active):
        return because("nobody receives at slot", facts.settings.slot)
    if not facts.settings.slot and source.archive_mode == "off":
        return because("archive_mode", "off")
    return because("free", facts.free, "<", source.size) if facts.free < source.size else None
