"""Units started for real in a machine that boots: a minutely routine under its sandbox survives kill -9, watchdog and reboot.

What needs root is done by a unit of its own, which does nothing that it is only told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.promises.goal import Goal, not_run
from benchmarks.promises.pytests import proven, tested
from tests.serve.machine import WHY_NOT

NAME, WANTED = "units in a booted machine", "routine, root's steps, kill -9, watchdog, reboot: all pass"
MOST, MOST_OF_ROOT = 2.0, 2.5
ROOT = "tests/root/test_root_unit.py"


def measure() -> Iterator[Goal]:
    """Boot a machine, install, and look at everything."""
    if WHY_NOT:
        yield not_run(NAME, WANTED, WHY_NOT)
        return
    found = tested("tests/serve/test_units.py", "-m", "slow")
    seconds = "; ".join(re.findall(r"after \S+: .*|watchdog of .*", found.said))
    yield Goal(NAME, WANTED, f"{found.passed} tests passed; {seconds}", ok=found.all_passed and found.passed > 0)
    for unit, exposure in re.findall(r"exposure of (\S+): ([\d.]+)", found.said):
        most, who = (MOST_OF_ROOT, "root, one step at a time") if "root" in unit else (MOST, "unprivileged")
        yield Goal(f"systemd-analyze security {unit}", f"<= {most}, {who}", exposure, ok=float(exposure) <= most)
    yield proven(
        "a step that needs root: killed on either side", "stopped, looked at, done once", ROOT, "-k", "killed or cancelled"
    )
    yield proven(
        "forged requests to root", "refused, with the part that differs", ROOT, "-k", "refused or told or never or acted"
    )
