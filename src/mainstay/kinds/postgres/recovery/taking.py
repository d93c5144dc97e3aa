"""Take a base backup: streamed from the server, packed on the way, compared with the server's manifest, published last."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mainstay.kinds.kind import Session
from mainstay.kinds.postgres import programs
from mainstay.kinds.postgres.programs import Program
from mainstay.kinds.postgres.recovery import base, packing, segments
from mainstay.kinds.postgres.recovery.base import Base
from mainstay.kinds.postgres.recovery.chain import follow
from mainstay.kinds.postgres.recovery.facts import Source
from mainstay.kinds.postgres.recovery.folder import Archive
from mainstay.kinds.postgres.recovery.packing import Packed
from mainstay.model.errors import StepFailed
from mainstay.model.setting import HOST
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline
from mainstay.system.files import sync_folder
from mainstay.vault.names import BackupId

_ARRIVES = Duration(600)  # until the log that a base needs is archived: an archive_command that waits tries again each minute
_OPTIONS = ("-D", "-", "-F", "tar", "-X", "none", "--checkpoint=fast", "--manifest-checksums=SHA256", "--no-password")


def here(session: Session) -> Session:
    """Return a session whose programs run on this host, where the archive is, wherever the server runs."""
    return replace(session, door=replace(session.door, place=HOST))


def needed(session: Session, name: str, major: int) -> Program:
    """Return a program of PostgreSQL on this host; StepFailed says what to install."""
    found = programs.find(session, name, major)
    if found is None or not found.version.startswith(f"{major}."):
        because = (
            f"found: {found.path} {found.version}" if found else f"not below /usr/lib/postgresql/{major}/bin, and not on PATH"
        )
        raise StepFailed(
            f"{name} of version {major} is needed on this host", because=because, next="install it, or set `programs`"
        )
    return found


def take(session: Session, archive: Archive, id: BackupId, deadline: Deadline) -> Base:
    """Make one base backup; it appears when it is complete, compared, and the log that it needs is archived."""
    part, source = archive.part(id), session.connection.read(Source)[0]
    part.mkdir(mode=0o700)

    def moved(_: int) -> None:
        session.pulse(deadline)

    packed = _streamed(here(session), source, part / base.TAR, moved, deadline)
    ended = session.connection.read(Source)[0].at
    manifest = base.examine(part / base.TAR, moved)
    made = _described(id, source, packed, manifest, ended)
    base.write(part, made, manifest)
    _await_log(session, archive, made, deadline)
    sync_folder(part)
    os.rename(part, archive.bases / id)
    sync_folder(archive.bases)
    return made


def clear(archive: Archive, id: str) -> None:
    """Remove what an attempt has left half made."""
    if archive.part(id).exists():
        shutil.rmtree(archive.part(id))


def _streamed(session: Session, source: Source, path: Path, moved: Callable[[int], None], deadline: Deadline) -> Packed:
    """Run pg_basebackup, and pack what it prints while it prints it."""
    program = needed(session, "pg_basebackup", source.major)
    environment = programs.reaching(session, "postgres")
    read, write = os.pipe()

    def run() -> Any:
        with os.fdopen(write, "wb") as out:
            return session.door.run(
                [program.path, *_OPTIONS, f"--label={path.parent.name}"], deadline.left, env=environment, stdout=out
            )

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        with os.fdopen(read, "rb") as stream:  # closed early by an error: then pg_basebackup ends too
            packed = packing.pack(stream, path, moved)
        running.result().require("the base backup failed")
    return packed


def _described(id: BackupId, source: Source, packed: Packed, manifest: bytes, ended: datetime) -> Base:
    parts = base.ranges(manifest)
    return Base(
        1, id, source.system, source.major, source.version, source.installer, parts[-1]["Timeline"], parts[0]["Start-LSN"],
        parts[-1]["End-LSN"], source.at, ended, base.files(manifest), packed.raw, packed.stored, packed.sha256,
    )  # fmt: skip


def _await_log(session: Session, archive: Archive, made: Base, deadline: Deadline) -> None:
    """Wait until the log between beginning and end of a base backup is archived: without it the base is worth nothing."""
    until, end = Deadline(_ARRIVES), segments.position(made.end)
    while True:
        wal = archive.read()
        chain = follow(wal, made)
        if chain.places and (chain.places[-1][1] + 1) * wal.segment >= end and not chain.missing:
            return
        session.pulse(deadline)
        if not until.left:
            raise StepFailed(
                "the log that this base backup needs is not archived", on=made.id,
                because=f"{made.start} to {made.end} within {_ARRIVES}; missing: {chain.missing or 'the last segment'}",
                next="look at the task archive: does somebody receive?",
            )  # fmt: skip
        clock.sleep(0.2)
