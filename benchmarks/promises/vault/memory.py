"""A stream of a gigabyte is backed up, backed up as a delta, and restored in 256 MB."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import ROOT

MOST, MEGABYTES = 256_000_000, 1000


def measure() -> Iterator[Goal]:
    """Do each in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for act in ("plain", "delta", "restore"):
            argv = [sys.executable, "-m", "benchmarks.backups.stream", str(MEGABYTES), folder, act]
            found = json.loads(subprocess.run(argv, cwd=ROOT, capture_output=True, check=True, timeout=1800).stdout)
            speed = MEGABYTES / found["seconds"]
            told = f"{found['peak'] / 1e6:.0f} MB; {speed:.0f} MB/s, {found['cpu']:.1f} s of CPU"
            yield Goal(f"memory of 1 GB: {act}", f"<= {MOST / 1e6:.0f} MB", told, found["peak"] <= MOST)
