"""Run every promise of this version on this machine, and say for each what was measured.

usage: python -m benchmarks.show_heart [--only NAME ...] [--list]        (as root; writes benchmarks/out/show-heart.json)

Each promise has a process of its own, so that one that breaks does not hide the others; what breaks counts as short.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from benchmarks.heart.goal import Goal

ROOT = Path(__file__).parents[1]
OUT = ROOT / "benchmarks" / "out" / "show-heart.json"
# in this order, the quick ones first; minutes on 2 cores
PROMISES = {
    "mistakes": 0.1, "container": 0.3, "outside": 0.5, "speed": 1.5, "races": 1, "disk": 3, "rotation": 3, "demo": 5,
    "crash_rotation": 4, "crash_twice": 3, "crash_writes": 3, "crash_calls": 5,
}  # fmt: skip


def main() -> int:
    """Measure, print, write down; 0 when every promise is kept."""
    parser = argparse.ArgumentParser(prog="show-heart", description="Run every promise of this version on this machine.")
    parser.add_argument("--only", nargs="+", choices=PROMISES, metavar="NAME", help="only these promises")
    parser.add_argument("--list", action="store_true", help="name them all, and what each takes")
    asked = parser.parse_args()
    if asked.list:
        print("\n".join(f"{name:12} {minutes:5.1f} min  {_title(name)}" for name, minutes in PROMISES.items()))
        return 0
    goals = [goal for name in asked.only or PROMISES for goal in _shown(name)]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"goals": [asdict(goal) for goal in goals]}, indent=1) + "\n", encoding="utf-8")
    short = sum(not goal.ok for goal in goals)
    print(f"{len(goals) - short} of {len(goals)} kept; {OUT.relative_to(ROOT)}")
    return 1 if short else 0


def _shown(name: str) -> Iterator[Goal]:
    """Yield what one promise comes to, each line as soon as it is known."""
    for goal in _measured(name):
        print(goal, flush=True)
        yield goal


def _measured(name: str) -> Iterator[Goal]:
    argv = [sys.executable, "-m", "benchmarks.heart", name]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            yield Goal(**json.loads(line))
        said = process.stderr.read().strip().splitlines()
    if process.returncode:
        yield Goal(name, _title(name), f"it broke: {said[-1] if said else f'exit {process.returncode}'}", ok=False)


def _title(name: str) -> str:
    """Return the first sentence of a promise's module."""
    return str(import_module(f"benchmarks.heart.{name}").__doc__).splitlines()[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
