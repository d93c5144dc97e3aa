"""kill -9 at every journal write of a run under the maintenance mode of a real nginx: it is lifted or stays, as the rule says."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mainstay.engine.run import Launch
from mainstay.model.units import Duration
from mainstay.system import http
from tests.crash.die import ROOT
from tests.engine.shop import Shop
from tests.live.nginx_server import Nginx, running

_SPOILT = "! grep -q menu $LOG"  # what the change breaks, no undo mends


@contextmanager
def site(check: str) -> Iterator[tuple[Shop, Nginx]]:
    """Run an nginx with its mode set up, and one change under it."""
    with tempfile.TemporaryDirectory(prefix="mode-") as name, running(Path(name)) as server:
        shop = Shop(Path(name))
        shop.targets["web"] = server.settings()
        shop.targets["api"] = {"kind": "command", "argv": ["/bin/true"], "after": shop.script(check)}
        shop.change("menu")
        shop.routines = {"daily": {"around": ["web.maintenance"], "checks": ["api.check"], "tasks": ["menu.run"]}}
        assert shop.open().run("web.setup", Launch(by="ann")).settled
        yield shop, server


def killed(shop: Shop, count: int) -> bool:
    """Run the routine in a process that dies after so many writes; False when it came to its end before."""
    shop.open()
    argv = [sys.executable, "-m", "tests.crash.die", str(shop.folder / "mainstay.yaml"), "any", str(count), "run", "daily"]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, timeout=60, check=False).returncode == -9


def status(server: Nginx) -> int:
    """Return what a user gets."""
    return http.fetch(http.Request(server.url()), Duration(5)).status


def deaths(check: str, *, broken: bool = False) -> Iterator[tuple[int, Shop, Nginx]]:
    """Kill at each write in turn, and let the settle timer go over it; yield what a user got before that.

    With `broken`, the check fails from then on, and a person has cancelled the run, so that it does not go on.
    """
    for count in range(3, 1000):
        with site(check) as (shop, server):
            if not killed(shop, count):
                return
            before, app = status(server), shop.open()
            if broken and not app.runs(1)[0].ended:
                (shop.folder / "effects.log.broken").touch()
                app.cancel(app.runs(1)[0].id, "ann", "enough")
            app.sweep()
            yield before, shop, server


@pytest.mark.slow
def test_when_the_checks_pass_it_is_lifted_wherever_the_run_died() -> None:
    seen = []
    for before, shop, server in deaths("true"):
        seen.append(before)
        assert (shop.open().runs(1)[0].settled, status(server)) == (True, 200)
        assert shop.effects in ([], ["menu"])
    print(f"{len(seen)} kills fired, {seen.count(503)} of them with the mode on: all lifted")
    assert seen.count(503) >= 5


@pytest.mark.slow
def test_when_a_change_broke_something_it_stays_wherever_the_run_died() -> None:
    seen = []
    for before, shop, server in deaths(_SPOILT):
        record, changed = shop.open().runs(1)[0], "menu" in shop.effects
        if not (record.settled and not changed):  # one that died before its baseline was never begun
            seen.append(before)
            assert (record.settled, status(server)) == (False, 503)
            assert "stays in force, because a check fails" in record.because
    print(f"{len(seen)} kills fired, {seen.count(503)} of them with the mode on: it stays, and the run is owed")
    assert seen.count(503) >= 5


@pytest.mark.slow
def test_when_nothing_was_changed_it_is_lifted_whatever_the_checks_say() -> None:
    fired = 0
    for before, shop, server in deaths("! test -e $LOG.broken", broken=True):
        record = shop.open().runs(1)[0]
        if not shop.effects:
            fired += before == 503
            assert (record.settled, status(server)) == (True, 200), record.because
    print(f"{fired} kills fired with the mode on and nothing changed, while a check fails: all lifted")
    assert fired >= 2
