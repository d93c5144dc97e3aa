"""Run every promise of this version on this machine, and say for each what was measured.

usage: python -m benchmarks.show SET [--only NAME ...] [--list]        (as root; writes benchmarks/out/show-SET.json)

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

from benchmarks.promises.goal import Goal

ROOT = Path(__file__).parents[1]
OUT = ROOT / "benchmarks" / "out"
SETS = ("heart", "postgres", "vault", "windows")


def main() -> int:
    """Measure, print, write down; 0 when every promise is kept."""
    parser = argparse.ArgumentParser(prog="show", description="Run every promise of this version on this machine.")
    parser.add_argument("set", choices=SETS, help="whose promises")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="only these promises")
    parser.add_argument("--list", action="store_true", help="name them all, and what each takes")
    asked = parser.parse_args()
    promises: dict[str, float] = import_module(f"benchmarks.promises.{asked.set}").PROMISES
    if unknown := set(asked.only) - set(promises):
        parser.error(f"{', '.join(sorted(unknown))}: {asked.set} promises {', '.join(promises)}")
    if asked.list:
        print("\n".join(f"{name:15} {minutes:5.1f} min  {_title(asked.set, name)}" for name, minutes in promises.items()))
        return 0
    goals = [goal for name in asked.only or promises for goal in _shown(asked.set, name)]
    OUT.mkdir(exist_ok=True)
    file = OUT / f"show-{asked.set}.json"
    file.write_text(json.dumps({"goals": [asdict(goal) for goal in goals]}, indent=1) + "\n", encoding="utf-8")
    short = sum(not goal.ok for goal in goals)
    print(f"{len(goals) - short} of {len(goals)} kept; {file.relative_to(ROOT)}")
    return 1 if short else 0


def _shown(of: str, name: str) -> Iterator[Goal]:
    """Yield what one promise comes to, each line as soon as it is known."""
    for goal in _measured(of, name):
        print(goal, flush=True)
        yield goal


def _measured(of: str, name: str) -> Iterator[Goal]:
    argv = [sys.executable, "-m", "benchmarks.promises", of, name]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            yield Goal(**json.loads(line))
        said = process.stderr.read().strip().splitlines()
    if process.returncode:
        yield Goal(name, _title(of, name), f"it broke: {said[-1] if said else f'exit {process.returncode}'}", ok=False)


def _title(of: str, name: str) -> str:
    """Return the first sentence of a promise's module."""
    return str(import_module(f"benchmarks.promises.{of}.{name}").__doc__).splitlines()[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
