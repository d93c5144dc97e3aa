"""What an operator says about a set of logs: which files, how their writers let go of them, and how long each stage lasts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Size


@dataclass(frozen=True)
class Reopen:
    """How the writer is told to open its log anew: a signal to one process, or a command."""

    signal: Annotated[Literal["HUP", "USR1", "USR2"], Setting("signal on which the writer reopens its log")] = "HUP"
    pid: Annotated[int | None, Setting("process to signal; 1 is the main process of a container", ge=1)] = None
    pid_file: Annotated[Path | None, Setting("file that holds the process to signal", example="/run/nginx.pid")] = None
    process: Annotated[str, Setting("name of the executable to signal (on this host)", example="nginx")] = ""
    command: Annotated[tuple[str, ...], Setting("command to run instead of a signal", example="[nginx, -s, reopen]")] = ()
    within: Annotated[Duration, Setting("how long the writer may take to let go of the old file", ge=0.1)] = Duration(10)

    def __post_init__(self) -> None:
        ways = [self.pid, self.pid_file, self.process, self.command]
        if sum(map(bool, ways)) != 1:
            raise ValueError("name exactly one of pid, pid_file, process and command")


@dataclass(frozen=True)
class Settings:
    """One policy for the files that match `paths`. With neither `reopen` nor `append_only`, only closed logs are rotated."""

    paths: Annotated[
        tuple[str, ...], Setting("logs to care for, as absolute patterns", example='["/var/log/app/*.log"]', writes="beside")
    ]
    exclude: Annotated[tuple[str, ...], Setting("patterns to leave out", example='["/var/log/app/debug*.log"]')] = ()
    reopen: Annotated[Reopen | None, Setting("how the writer reopens its log: the log is renamed")] = None
    append_only: Annotated[bool, Setting("writers only append and cannot reopen: the log is copied, then cut at its head")] = (
        False
    )
    create: Annotated[bool, Setting("make the new log file; false where the writer does it")] = True
    mode: Annotated[str, Setting("mode of new log files; empty: as the old one", example='"0640"')] = ""
    every: Annotated[Duration, Setting("shortest time between two rotations; a tenth early is on time", ge=60)] = Duration(86400)
    min_size: Annotated[Size, Setting("leave smaller logs alone", ge=1)] = Size(1)
    size: Annotated[Size, Setting("rotate at this size, whatever `every` says", ge=1)] = Size(100_000_000)
    zstd_level: Annotated[int, Setting("compression level", ge=1, le=19)] = 1
    delay: Annotated[int, Setting("newest rotated parts of a log that stay uncompressed", ge=0)] = 1
    keep: Annotated[int, Setting("rotated parts to keep of each log", ge=1)] = 30
    max_age: Annotated[Duration | None, Setting("drop rotated parts that are older", ge=60)] = None
    total_cap: Annotated[Size | None, Setting("drop the oldest parts when all parts together are larger", ge=1)] = None
    keep_at_least: Annotated[Duration, Setting("never drop what is younger, archived or not (legal minimum)", ge=0)] = Duration(0)
    archive: Annotated[
        Path | None, Setting("folder to archive parts in instead of dropping them", example="/srv/archive", writes="makes")
    ] = None
    archive_after: Annotated[Duration, Setting("archive parts that are older", ge=0)] = Duration(30 * 86400)
    archive_keep: Annotated[Duration | None, Setting("drop archived parts that are older; empty: never", ge=60)] = None
    max_file: Annotated[Size, Setting("largest size of one log", ge=1)] = Size(100_000_000)
    max_total: Annotated[Size, Setting("largest size of all logs and their parts", ge=1)] = Size(50_000_000_000)
    max_growth: Annotated[Size | None, Setting("largest growth of one log in a day", ge=1)] = None
    readable_by_all: Annotated[bool, Setting("every user of the machine may read these logs")] = False
    rivals: Annotated[tuple[Path, ...], Setting("where other rotators are configured")] = (
        Path("/etc/logrotate.conf"),
        Path("/etc/logrotate.d"),
    )

    def __post_init__(self) -> None:
        for wrong, problem in (
            (not self.paths, "paths: name at least one pattern"),
            (any(not path.startswith("/") for path in (*self.paths, *self.exclude)), "paths, exclude: patterns are absolute"),
            (self.reopen is not None and self.append_only, "reopen, append_only: choose one"),
            (not re.fullmatch("(0?[0-7]{3})?", self.mode), 'mode: write it as "0640", in quotes'),
            (self.archive_keep is not None and self.archive_keep < self.keep_at_least, "archive_keep is below keep_at_least"),
            (self._dropped_too_young, "max_age is below keep_at_least, and there is no archive"),
        ):
            if wrong:
                raise ValueError(problem)

    @property
    def _dropped_too_young(self) -> bool:
        return self.archive is None and self.max_age is not None and self.max_age < self.keep_at_least
