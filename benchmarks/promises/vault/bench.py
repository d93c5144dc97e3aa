"""Backups beside pg_dump | gzip, restic and borg, and thirty days of them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import ROOT

FOUND = ROOT / "benchmarks" / "out" / "backup.json"


def measure() -> Iterator[Goal]:
    """Run the benchmark and repeat its goals."""
    FOUND.unlink(missing_ok=True)
    done = subprocess.run([sys.executable, "-m", "benchmarks.backup"], cwd=ROOT, stdout=sys.stderr, timeout=10_800, check=False)
    if not FOUND.exists():
        yield Goal("bench-backup", "runs to its end", f"exit {done.returncode}", ok=False)
        return
    for goal in json.loads(FOUND.read_text(encoding="utf-8"))["goals"]:
        yield Goal(**goal)
