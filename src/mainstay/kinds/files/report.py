"""What lies around in a folder: orphans, clutter, dangerous permissions, and the biggest files."""

from __future__ import annotations

import heapq
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from mainstay.kinds.files.settings import Settings
from mainstay.kinds.files.walk import Entry, walk
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.model.units import Size
from mainstay.system import clock
from mainstay.system.owners import user_name

_SHOWN, _BIGGEST = 10, 10
_COPIES = re.compile(r".*(\.bak|\.old|\.orig|\.save|\.backup|~)$|^\.#.*|^#.*#$", re.IGNORECASE)
_TEMPORARY = re.compile(r".*(\.tmp|\.temp|\.part|\.partial|\.crdownload|\.swp|\.swx)$|^\.~lock.*|^~\$.*", re.IGNORECASE)
_CORE = re.compile(r"^core(\.\d+)?$")


@dataclass(frozen=True)
class Heap:
    """Entries of one sort: how many, how large, and the first of them by name."""

    sort: str
    count: int = 0
    size: Size = Size(0)
    first: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = f" and {self.count - len(self.first):,} more" if self.count > len(self.first) else ""
        return f"{self.count:,} ({self.size}): {', '.join(self.first)}{more}"


@dataclass(frozen=True)
class Facts:
    """What lies around, by sort, and the biggest files with their sizes."""

    at: datetime
    path: Path
    heaps: tuple[Heap, ...]
    biggest: dict[str, Size] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class Report(TaskKind[Facts, NoParams]):
    """Nothing is removed: the report says what a person, or the task retention, may want to remove."""

    name = "report"
    summary = "empty files, broken links, left-over copies, orphans, dangerous permissions, biggest files"
    task_class = TaskClass.CHECK
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Walk through the folder once."""
        settings: Settings = session.target.settings
        problems: list[str] = []
        entries, at = list(walk(settings.path, settings.exclude, problems)), clock.now()
        heaps = tuple(_heap(sort, [one for one in entries if fits(one)]) for sort, (_, fits) in SORTS.items())
        files = heapq.nlargest(_BIGGEST, (one for one in entries if one.regular), key=lambda one: one.seen.st_size)
        biggest = {one.path: Size(one.seen.st_size) for one in files}
        return Facts(at, settings.path, tuple(heap for heap in heaps if heap.count), biggest, tuple(problems[:_SHOWN]))

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """One line for each sort that there is, and one for the biggest files."""
        found = [Finding(SORTS[heap.sort][0], str(facts.path), because(heap.sort, str(heap))) for heap in facts.heaps]
        if facts.biggest:
            biggest = ", ".join(f"{path} {size}" for path, size in facts.biggest.items())
            found.append(Finding(Level.OK, str(facts.path), because("biggest", biggest)))
        return found


def _heap(sort: str, entries: list[Entry]) -> Heap:
    size = Size(sum(one.seen.st_size for one in entries if one.regular))
    return Heap(sort, len(entries), size, tuple(one.path for one in entries[:_SHOWN]))


def _name(entry: Entry) -> str:
    return entry.path.rpartition("/")[2]


def _open_to_all(entry: Entry) -> bool:
    """Everybody can write to it, or, in a folder that is not sticky, delete in it."""
    mode = entry.seen.st_mode
    return bool(mode & stat.S_IWOTH) and (entry.regular or (entry.folder and not mode & stat.S_ISVTX))


SORTS: dict[str, tuple[Level, Callable[[Entry], bool]]] = {
    "world-writable": (Level.WARNING, _open_to_all),
    "set-user-id": (Level.WARNING, lambda one: one.regular and bool(one.seen.st_mode & (stat.S_ISUID | stat.S_ISGID))),
    "orphans of deleted users": (Level.WARNING, lambda one: user_name(one.seen.st_uid).isdigit()),
    "core files": (Level.WARNING, lambda one: one.regular and bool(_CORE.match(_name(one)))),
    "broken links": (Level.OK, lambda one: not one.target),
    "empty files": (Level.OK, lambda one: one.regular and not one.seen.st_size),
    "left-over copies": (Level.OK, lambda one: one.regular and bool(_COPIES.match(_name(one)))),
    "temporary files": (Level.OK, lambda one: one.regular and bool(_TEMPORARY.match(_name(one)))),
}
