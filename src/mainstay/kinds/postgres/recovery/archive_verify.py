"""Read the whole archive: damage is found here, before a recovery needs what is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.kinds.postgres.recovery import base, packing, rules, segments
from mainstay.kinds.postgres.recovery.facts import ArchiveFacts, configured, look
from mainstay.kinds.postgres.recovery.folder import Archive
from mainstay.model.because import Finding
from mainstay.model.errors import MainstayError
from mainstay.model.plan import Impact, On
from mainstay.model.task import TaskClass


class ArchiveVerify(TaskKind[ArchiveFacts, NoParams]):
    """Every segment is unpacked and its first page compared with its name; every base backup is compared with its digest."""

    name = "archive_verify"
    summary = "read every segment and base backup of the archive to its end, and name what is damaged"
    task_class = TaskClass.CHECK
    impact = Impact.LOAD
    facts = ArchiveFacts

    def observe(self, session: Session, on: On | None = None) -> ArchiveFacts:
        """Read everything."""
        archive, facts = Archive(configured(session).path), look(session, server=False)
        bad = [*(_troubles(archive, facts)), *_logs(archive)] if facts.there else []
        return replace(facts, damaged=tuple(bad))

    def assess(self, facts: ArchiveFacts, params: NoParams) -> list[Finding]:
        """Name what is damaged, missing, or does not belong there."""
        return rules.content(facts)


def _troubles(archive: Archive, facts: ArchiveFacts) -> Iterator[str]:
    for one in facts.bases:
        try:
            base.check(archive, one.base)
        except MainstayError as error:
            yield f"{error.on}: {error.because}"


def _logs(archive: Archive) -> Iterator[str]:
    for path in sorted(archive.wal.glob(f"*{packing.SUFFIX}")):
        try:
            _read(archive, path)
        except MainstayError as error:
            yield f"{path.name}: {error.because}"


def _read(archive: Archive, path: Path) -> None:
    with packing.unpacked(path) as file:
        first = file.read(segments.HEADER_BYTES)
        if segments.SEGMENT.fullmatch(name := path.name.removesuffix(packing.SUFFIX)):
            header = segments.header_of(first)
            if header is None:
                raise packing.damaged(path, "it does not begin as a segment does")
            archive.admit(header, name)
        while file.read(1 << 20):
            pass
