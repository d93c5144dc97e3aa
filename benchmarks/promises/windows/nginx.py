"""Maintenance mode of an nginx under 50 connections of load: only 200 and 503, no broken connection, no death leaves it on."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import proven
from mainstay.engine.run import Launch
from mainstay.model.run import RunRecord, StepRecord
from tests.engine.shop import Shop
from tests.live.load import Load, load
from tests.live.nginx_server import running

ROUNDS = 3
_WORK = 1.0  # seconds under the mode
_AROUND = 0.5  # seconds of load before and after
_CRASH = "tests/crash/test_mode_crash.py"
_SERVE = "tests/serve/test_mode.py"


@dataclass(frozen=True)
class Round:
    """What users got during one run, and its record; the control has none."""

    users: Load
    record: RunRecord | None = None

    @property
    def steps(self) -> tuple[StepRecord, ...]:
        """The two acts of the mode: on and off."""
        return self.record.task("web.maintenance").steps if self.record else ()


def measure() -> Iterator[Goal]:
    """Switch it under load, beside the same load without maintenance; then kill the run wherever it writes to the journal."""
    yield from judged([_round(mode=True) for _ in range(ROUNDS)], _round(mode=False).users)
    yield proven("kill -9 under the mode, all is well", "lifted", _CRASH, "-k", "checks_pass")
    yield proven("kill -9, a change broke something", "it stays, owed", _CRASH, "-k", "a_change_broke")
    yield proven("kill -9, nothing changed, a check fails", "lifted", _CRASH, "-k", "nothing_was_changed")
    yield proven("kill -9 of serve, nothing changed", "lifted within the expiry", _SERVE, "-k", "before or without")
    yield proven("kill -9 of serve, a change was made", "lifted, or it stays and is mailed", _SERVE, "-k", "after")


def judged(rounds: list[Round], control: Load) -> Iterator[Goal]:
    """Add up what all users got."""
    answers = sum((one.users.answers for one in rounds), Counter[tuple[str, int]]())
    statuses, posts = sorted({status for _, status in answers}), answers["POST", 503]
    shut = posts + answers["GET", 503]
    told = f"{sum(answers.values()):,} requests in {len(rounds)} runs, {shut:,} x 503 ({posts:,} POST), statuses {statuses}"
    yield Goal("answers at 50 connections", "only 200 and 503, POST too", told, statuses == [200, 503] and 0 < posts < shut)
    broken = sum(len(one.users.broken) for one in rounds)
    beside = f"{broken}; control without maintenance {len(control.broken)} of {sum(control.answers.values()):,} requests"
    yield Goal("socket errors while it is switched", "0", beside, broken == 0)
    seen = [[step.after["public"][0]["status"] for step in one.steps] for one in rounds]
    took = median(float(one.steps[0].took or 0) for one in rounds)
    recorded = f"{seen.count([503, 200])} of {len(rounds)} runs; on, proven and recorded after {took * 1000:.0f} ms (median)"
    yield Goal("seen from outside, in the journal", "503 then 200, each run", recorded, seen.count([503, 200]) == len(rounds))


def _round(*, mode: bool) -> Round:
    with tempfile.TemporaryDirectory(prefix="show-") as name, running(Path(name)) as server:
        shop, record = Shop(Path(name)), None
        shop.targets["web"] = server.settings()
        shop.change("menu", text=f"echo menu >> $LOG; sleep {_WORK}")
        shop.routines = {"daily": {"around": ["web.maintenance"], "tasks": ["menu.run"]}}
        app = shop.open()
        assert app.run("web.setup", Launch(by="show")).settled
        server.reloaded()
        with load(server.port) as users:
            time.sleep(_AROUND)
            if mode:
                record = app.run("daily", Launch(by="show", envelope=app.forecast("daily").envelope))
            else:
                time.sleep(_WORK)
            time.sleep(_AROUND)
        return Round(users, record)
