"""Units started for real in a machine that boots: a minutely routine under its sandbox survives kill -9, watchdog and reboot."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.promises.goal import Goal, not_run
from benchmarks.promises.pytests import tested
from tests.serve.machine import WHY_NOT

NAME, WANTED = "units in a booted machine", "routine, kill -9, watchdog, reboot: all pass"
MOST = 2.0


def measure() -> Iterator[Goal]:
    """Boot a machine, install, and look at everything."""
    if WHY_NOT:
        yield not_run(NAME, WANTED, WHY_NOT)
        return
    found = tested("tests/serve/test_units.py", "-m", "slow")
    seconds = "; ".join(re.findall(r"after \S+: .*", found.said))
    yield Goal(NAME, WANTED, f"{found.passed} tests passed; {seconds}", ok=found.all_passed and found.passed > 0)
    for unit, exposure in re.findall(r"exposure of (\S+): ([\d.]+)", found.said):
        yield Goal(f"systemd-analyze security {unit}", f"<= {MOST}, unprivileged", exposure, ok=float(exposure) <= MOST)
