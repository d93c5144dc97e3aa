"""Every query runs in psql on every version and fits its dataclass; every statement that a plan can issue is executed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import ROOT, tested

SENT = ROOT / "tests" / ".results" / "statements.txt"


def measure() -> Iterator[Goal]:
    """Run the queries on all versions, then the kind's tests and laws, and compare what was sent with what is declared."""
    queries = tested("tests/kinds/postgres/test_sql.py", "-m", "slow or not slow")
    wanted = "all queries on 13 to 18 (an extension that a version lacks is skipped)"
    failed = " failed" in queries.said or " error" in queries.said
    yield Goal(
        "queries in psql and as dataclasses", wanted, f"{queries.passed} runs passed", ok=queries.passed > 0 and not failed
    )
    SENT.unlink(missing_ok=True)
    tested("tests/kinds/postgres", "tests/laws", "-m", "slow or not slow", "-k", "postgres", "-n", "2")
    command = [sys.executable, "-m", "tools.statements"]
    compared = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    told = "; ".join(compared.stdout.splitlines())
    yield Goal("statements of plans executed", "all but REPACK, which has no server", told, compared.returncode == 0)
