"""Patch time as people get it: in the report of a month, in the course of figures, and on this host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.packages import KIND
from tests.cli.shop import Shop
from tests.live import debian
from tests.live.debian import Debian, Entry, ago

SITE = """
site: shop
timezone: UTC
state: {folder}/state
targets:
  host: {{kind: packages, root: {root}}}
routines:
  daily: {{tasks: [host.check], cadence: daily}}
"""
SECURITY = "bookworm-security"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A system that got three updates, one of them late, and has not got a fourth."""
    if debian.missing():
        pytest.skip(f"needs {debian.missing()}")
    system = Debian(tmp_path / "system")
    old = {name: Entry("1.0-1", ago(900)) for name in ("late", "quick", "other", "open")}
    new = {
        "late": Entry("1.0-2", ago(99), SECURITY, "high"),
        "quick": Entry("1.0-2", ago(3), SECURITY),
        "other": Entry("1.0-2", ago(400)),
    }
    system.install(*(system.build(name, one.version, [one]) for name, one in old.items()))
    system.publish(SECURITY, *(system.build(name, one.version, [one, old[name]]) for name, one in new.items()), at=ago(40))
    system.apt("upgrade")
    system.publish(SECURITY, system.build("open", "1.0-2", []), at=ago(30))
    (tmp_path / "mainstay.yaml").write_text(SITE.format(folder=tmp_path, root=system.root), encoding="utf-8")
    return Shop(tmp_path)


@pytest.mark.covers("KPI-07")
def test_the_report_of_a_month_tells_how_long_patches_took_which_were_late_and_what_waits(shop: Shop) -> None:
    shop.run("run", "daily", "--yes")
    told: dict[str, Any] = json.loads(shop.run("report", "--monthly", "--format", "json"))
    deviations = {one["on"]: f"{one['text']} -- {one['advice']}" for one in told["deviations"]}
    assert deviations["patch time"] == (
        "deployed after 4d3h > limits.security_critical 2d (default) -- late 1.0-1 -> 1.0-2 after 4d3h, urgency high"
    )
    assert deviations["security updates"].startswith("waiting for 1d6h > limits.security_warning 1d (default) -- 1: open ")
    seen = {one["finding"]["because"]["fact"]: one["finding"]["because"]["value"] for one in told["seen"]}
    assert seen["security updates deployed"].startswith("2 in ")
    assert seen["security updates deployed"].endswith("median 2d3h, longest 4d3h (late 1.0-2)")
    assert ": median 16d16h, " in seen["other updates deployed"]
    assert seen["waiting"].startswith("1, 1 of them security, the oldest for 1d6h")
    page = shop.run("report", "--monthly")
    assert page.index("Deviations") < page.index("deployed after 4d3h") < page.index("As last seen") < page.index("median 2d3h")
    figures = {one["name"]: one for one in shop.json("trends")["figures"]}
    longest = figures["security patch time, longest"]
    assert (longest["at_most"], longest["within"], round(longest["points"][-1][1] / 3600)) == (48 * 3600, 0, 99)
    assert {name: figures[name]["points"][-1][1] for name in ("security patches", "late security patches", "waiting")} == {
        "security patches": 2,
        "late security patches": 1,
        "waiting": 1,
    }


@pytest.mark.skipif(bool(debian.missing()), reason=f"needs {debian.missing()}")
def test_init_finds_the_packages_of_this_host_and_they_can_be_looked_at() -> None:
    assert KIND.discover
    [found] = KIND.discover()
    assert (found.settings, found.tasks) == ({}, ("check",))
