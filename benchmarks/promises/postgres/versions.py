"""Every task that looks runs on PostgreSQL 13 to 18, and the full tools where they can be installed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.promises.goal import Goal, not_run
from benchmarks.promises.pytests import tested
from tests.live.postgres_server import MAJORS, missing


def measure() -> Iterator[Goal]:
    """Run what is written for any version on each."""
    done = tested("tests/kinds/postgres", "-m", "slow or not slow", "-k", "every_version or any_version or versions", "-v")
    for major in MAJORS:
        name, lacking = f"tasks on PostgreSQL {major}", missing(major)
        if lacking:
            yield not_run(name, "all pass", lacking)
            continue
        told = re.findall(rf"\[{major}\S*\S* (PASSED|FAILED|ERROR|SKIPPED)", done.said)
        passed, other = told.count("PASSED"), [one for one in told if one not in ("PASSED", "SKIPPED")]
        yield Goal(name, "all pass", f"{passed} passed, {len(other)} failed", ok=passed > 0 and not other)
