"""Thirty simulated days: 2 % of the rows change each day, and what is kept is compared with one full backup."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.backups import ours
from benchmarks.backups.database import Scale, change, local, running
from benchmarks.backups.measured import size
from benchmarks.backups.ways import OURS, Ways, id_of
from mainstay.model.units import Duration
from mainstay.vault import catalogue
from mainstay.vault.prune import collect, drop
from mainstay.vault.repository import Repository, open_repository
from mainstay.vault.retention import Policy, decide

DAYS = 30
KEEP = Policy(last=1, daily=7, weekly=4, monthly=0, min_age=Duration(0))
PEERS = ("restic", "borg")


@dataclass(frozen=True)
class Kept:
    """What a way holds after thirty days, in bytes, and what its first backup took."""

    way: str
    what: str
    first: int
    last: int
    backups: int

    @property
    def fulls(self) -> float:
        """Bytes in units of the first backup."""
        return self.last / self.first


def thirty_days(scale: Scale, what: str) -> Iterator[Kept]:
    """Let thirty days go by: `different` rows each day, kept as 7 daily and 4 weekly, or the `same` rows, all kept."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, running(Path(name) / "server", scale) as made:
        ways, first = Ways(made, Path(name) / "kept"), dict[str, int]()
        for way in PEERS:
            ways.begin(way)
        for day in range(DAYS + 1):
            if day:
                change(made, day if what == "different" else 7, "scattered")
            for way in PEERS:
                ways.back_up(way, day, what)
                if what == "different":
                    ways.forget(way, day)
            root = ways.place(OURS) / "repo"
            ours.backup(local(made), root, id_of(day), id_of(day - 1) if day else "")
            if what == "different":
                _forget(open_repository(root), day)
            first = first or {way: size(ways.place(way)) for way in (*PEERS, OURS)}
        count = len(catalogue.read(open_repository(root)).entries)
        yield from (Kept(way, what, first[way], size(ways.place(way)), count) for way in (OURS, *PEERS))


def _forget(repository: Repository, day: int) -> None:
    """Drop what the policy does not keep, as if today were that day, and every backup proven."""
    entries = [replace(one, created=one.id.at, proven=one.id.at) for one in catalogue.read(repository).entries]
    for verdict in decide(entries, KEEP, Duration(30 * 86400), frozenset(), id_of(day).at):
        if not verdict.keep:
            drop(repository, verdict.id)
    collect(repository)
