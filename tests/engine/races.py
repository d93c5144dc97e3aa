"""Two launchers race for one target, many times; what each script saw decides."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path
from zoneinfo import ZoneInfo

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.errors import Refused
from mainstay.system import clock
from tests.engine.shop import Shop

LAUNCHERS = 2


@dataclass(frozen=True)
class Raced:
    """What came of the races: occurrences that ran twice or never, and scripts that met each other on the target."""

    races: int
    twice: int
    never: int
    overlaps: int


def race(folder: Path, races: int) -> Raced:
    """Launch each of `races` occurrences from two processes at once."""
    shop = _shop(folder, races)
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(LAUNCHERS)
    launchers = [fork.Process(target=_launch, args=(folder / "mainstay.yaml", races, barrier)) for _ in range(LAUNCHERS)]
    for launcher in launchers:
        launcher.start()
    for launcher in launchers:
        launcher.join(600)
    assert [launcher.exitcode for launcher in launchers] == [0] * LAUNCHERS
    ran = Counter(line for line in shop.effects if line != "overlap")
    never = races - sum(f"r{number}" in ran for number in range(races))
    return Raced(races, sum(count > 1 for count in ran.values()), never, shop.effects.count("overlap"))


def _shop(folder: Path, races: int) -> Shop:
    shop = Shop(folder)
    began = clock.now().astimezone(ZoneInfo("Europe/Berlin")) - timedelta(minutes=1)
    shop.windows = {"now": {"rule": f"daily {began:%H:%M}", "length": "4h"}}
    alone = f"mkdir {folder}/busy 2>/dev/null || echo overlap >> $LOG; sleep 0.02; rmdir {folder}/busy 2>/dev/null"
    shop.command("menu", f"{alone}; echo $NAME >> $LOG", impact="none")
    shop.routines = {}
    for number in range(races):
        shop.targets[f"t{number}"] = {**shop.targets["menu"], "environment": {"NAME": f"r{number}"}}
        shop.routines[f"r{number}"] = {"window": "now", "tasks": [f"t{number}.run"]}
    shop.open()
    return shop


def _launch(path: Path, races: int, barrier: Barrier) -> None:
    app = App.open(path)
    for number in range(races):
        barrier.wait(60)
        try:
            app.run(f"r{number}", Launch(by="timer", attended=False, scheduled=True))
        except Refused:
            continue  # the other one has claimed this occurrence: that is what is counted
