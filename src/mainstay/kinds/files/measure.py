"""Measure a folder."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mainstay.kinds.files.settings import Settings
from mainstay.kinds.files.walk import walk
from mainstay.model.units import Size
from mainstay.system import clock
from mainstay.system.owners import group_name, user_name

_SHOWN = 20


@dataclass(frozen=True)
class Facts:
    """One folder; `missing` says why it is none, `unreadable` holds the first of what could not be looked at."""

    at: datetime
    path: Path
    limits: Settings
    missing: str = ""
    owner: str = ""
    group: str = ""
    mode: int = 0
    read_only: bool = False
    size: Size = Size(0)
    files: int = 0
    folders: int = 0
    newest: datetime | None = None
    problems: int = 0
    unreadable: tuple[str, ...] = ()


def measure(settings: Settings) -> Facts:
    """Walk through the folder once; one that is not there is a fact too."""
    if missing := _missing(settings.path):
        return Facts(clock.now(), settings.path, settings, missing)
    return _measured(settings)


def _missing(path: Path) -> str:
    try:
        return "" if stat.S_ISDIR(os.stat(path).st_mode) else "is not a folder"
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return f"cannot be reached: {(error.strerror or str(error)).lower()}"


def _measured(settings: Settings) -> Facts:
    problems: list[str] = []
    entries = list(walk(settings.path, settings.exclude, problems))
    files = [entry.seen for entry in entries if entry.regular]
    top = os.stat(settings.path)
    newest = max((seen.st_mtime for seen in files), default=None)
    return Facts(
        at=clock.now(),
        path=settings.path,
        limits=settings,
        owner=user_name(top.st_uid),
        group=group_name(top.st_gid),
        mode=stat.S_IMODE(top.st_mode),
        read_only=bool(os.statvfs(settings.path).f_flag & os.ST_RDONLY),
        size=Size(sum({(seen.st_dev, seen.st_ino): seen.st_size for seen in files}.values())),
        files=len(files),
        folders=sum(entry.folder for entry in entries),
        newest=datetime.fromtimestamp(newest, UTC) if newest is not None else None,
        problems=len(problems),
        unreadable=tuple(problems[:_SHOWN]),
    )
