"""Back up a database of 976 MB in every way, restore it, and let thirty days go by: sizes, times and CPU side by side.

usage: python -m benchmarks.backup [--quick] [--days SHARE]   (as root; benchmarks/out/backup.json; 40 minutes, --quick 15)

The first backup, one after 2 % of the rows changed that are the newest, and one after 2 % that are scattered. Then thirty days on
a database of SHARE (0.15: 167 MB), since at full size they would take two hours. Timed goals are medians of three, and their
control is the runbook's pg_dump | gzip, measured anew beside each of ours.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.backups.database import Scale, change, running
from benchmarks.backups.days import Kept, thirty_days
from benchmarks.backups.measured import Measured
from benchmarks.backups.ways import ALONE, OURS, RUNBOOK, SHELL, Ways, id_of

OUT = Path(__file__).parent / "out" / "backup.json"
RUNS = 3
MEMORY = 256_000_000
CONTENT = ("recent", "scattered")


@dataclass(frozen=True)
class Goal:
    """A goal and its figure."""

    name: str
    goal: str
    measured: str
    ok: bool

    def __str__(self) -> str:
        return f"{'ok   ' if self.ok else 'short'} {self.name}: goal {self.goal}, measured {self.measured}"


def main() -> int:
    """Measure everything, print it, write it down; 0 when every goal is met."""
    parser = argparse.ArgumentParser(prog="bench-backup")
    parser.add_argument("--quick", action="store_true", help="one run of each way")
    parser.add_argument("--days", type=float, default=0.15, metavar="SHARE", help="size of the database of the thirty days")
    parser.add_argument("--share", type=float, default=1.0, help="size of the database of everything else; goals hold at 1")
    asked = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n{HEAD}")
    found = list(one_by_one(Scale(asked.share), 1 if asked.quick else RUNS))
    kept = [one for what in ("different", "same") for one in thirty_days(Scale(asked.days), what)] if asked.days else []
    for one in kept:
        print(f"thirty days, {one.what} rows: {one.way} holds {one.last / 1e6:.1f} MB, {one.fulls:.2f} fulls")
    goals = [*speed(found), *memory(found), *space(kept)]
    print("\n".join(map(str, goals)))
    OUT.parent.mkdir(exist_ok=True)
    every = {"goals": [asdict(one) for one in goals], "measured": [asdict(one) for one in found]}
    OUT.write_text(json.dumps({**every, "kept": [asdict(one) for one in kept]}, indent=1) + "\n")
    return 0 if all(goal.ok for goal in goals) else 1


def one_by_one(scale: Scale, runs: int) -> Iterator[Measured]:
    """Yield every measurement as it is made, and print it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, running(Path(name) / "server", scale) as made:
        ways = Ways(made, Path(name) / "kept")
        for way in SHELL:
            ways.begin(way)
        for day, what in enumerate(("first", *CONTENT)):
            if day:
                change(made, day, what)
            for way in (*SHELL, ALONE, OURS):
                previous = id_of(day - 1) if day else None
                yield printed(ways.back_up(way, day, what, previous=previous))
        for number in range(1, runs):
            for way in (RUNBOOK, ALONE, OURS):
                yield printed(ways.back_up(way, 2, "scattered", number, id_of(1)))
        for number in range(runs):
            for way in (RUNBOOK, OURS):
                yield printed(ways.restore(way, 2, into := f"r_{number}_{way == OURS}".lower()))
                made.sql(f"DROP DATABASE {into}")


HEAD = f"{'way':38} {'day':10} {'wall s':>8} {'client':>8} {'server':>8} {'MB added':>9} {'peak MB':>8}"


def printed(one: Measured) -> Measured:
    """Print a line, and return what it says."""
    figures = f"{one.wall:8.2f} {one.cpu:8.2f} {one.server:8.2f} {one.added / 1e6:9.1f} {one.peak / 1e6:8.0f}"
    print(f"{one.way:38} {one.day:10} {figures} {one.said[:200]}", flush=True)
    return one


def speed(found: list[Measured]) -> Iterator[Goal]:
    """Compare medians with the runbook's."""
    for way, wall, cpu in ((ALONE, 7, 4), (OURS, 3, 2)):
        theirs, mine = _middle(found, RUNBOOK, "scattered"), _middle(found, way, "scattered")
        faster, cheaper = theirs[0] / mine[0], theirs[1] / mine[1]
        yield Goal(f"{way}: wall", f">= {wall} x", f"{faster:.1f} x: {mine[0]:.1f} s, runbook {theirs[0]:.1f} s", faster >= wall)
        told = f"{cheaper:.1f} x: {mine[1]:.1f} s, runbook {theirs[1]:.1f} s"
        yield Goal(f"{way}: CPU of client and server", f">= {cpu} x", told, cheaper >= cpu)
    theirs, mine = _middle(found, RUNBOOK, "restore"), _middle(found, OURS, "restore")
    share = mine[0] / theirs[0]
    told = f"{share:.2f} x: {mine[0]:.1f} s, gunzip | psql {theirs[0]:.1f} s"
    yield Goal("proven restore: wall, checks included", "<= 0.8 x", told, share <= 0.8)


def _middle(found: list[Measured], way: str, day: str) -> tuple[float, float]:
    """Return the medians of wall and CPU."""
    mine = [one for one in found if (one.way, one.day) == (way, day)]
    return median(one.wall for one in mine), median(one.all_cpu for one in mine)


def memory(found: list[Measured]) -> Iterator[Goal]:
    """Judge the largest process of ours."""
    peak = max(one.peak for one in found if one.way == OURS)
    yield Goal("peak memory", f"<= {MEMORY / 1e6:.0f} MB", f"{peak / 1e6:.0f} MB", peak <= MEMORY)


def space(kept: list[Kept]) -> Iterator[Goal]:
    """Judge what thirty days take, with the others beside it."""
    for what, most in (("different", 5), ("same", 2)):
        held = {one.way: one for one in kept if one.what == what}
        if not held:
            continue
        others = ", ".join(f"{way} {one.fulls:.1f}" for way, one in held.items() if way != OURS)
        mine, count = held[OURS].fulls, held[OURS].backups
        told = f"{mine:.2f} fulls in {count} backups; {others}"
        yield Goal(f"thirty days of {what} scattered rows", f"<= {most} fulls", told, mine <= most)


if __name__ == "__main__":
    sys.exit(main())
