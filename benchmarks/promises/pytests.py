"""A promise that tests prove: run them and count."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.promises.goal import Goal, not_run

ROOT = Path(__file__).parents[2]
_FIGURE = re.compile(r"\.*(\d+ (of|kills|histories)|longest gap)")


@dataclass(frozen=True)
class Tested:
    """How many tests passed, whether all did, and what they printed."""

    passed: int
    all_passed: bool
    said: str


def tested(*argv: str) -> Tested:
    """Run tests; one that was skipped proves nothing."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-s", *argv]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800)
    found = re.search(r"(\d+) passed", done.stdout)
    return Tested(int(found[1]) if found else 0, done.returncode == 0 and " skipped" not in done.stdout, done.stdout)


def proven(name: str, goal: str, *argv: str) -> Goal:
    """Return a goal that tests prove, the long ones too, with what they printed of their figures."""
    missing = [one for one in argv if one.startswith("tests/") and not (ROOT / one).exists()]
    if missing:
        return not_run(name, goal, f"there is no {missing[0]}")
    found = tested(*argv, *(() if "-m" in argv else ("-m", "slow or not slow")))
    figures = [
        line.lstrip(".") for line in found.said.splitlines() if re.match(r"\.*(\d+ (of|kills|histories)|longest gap)", line)
    ]
    told = "; ".join([f"{found.passed} tests passed", *figures])
    return Goal(name, goal, told, ok=found.all_passed and found.passed > 0)
