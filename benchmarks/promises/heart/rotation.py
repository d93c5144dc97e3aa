"""Rotation beside logrotate and beside gzip loses no line and costs a fraction of the CPU."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import rotation
from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import ROOT


def measure() -> Iterator[Goal]:
    """Run the side-by-side benchmark, which takes the median of three runs, and the same load without any rotation."""
    with tempfile.TemporaryDirectory() as folder:
        written, lost = rotation.losses(Path(folder) / "live", lambda *_: None)
    yield Goal("lines lost, no rotation (control)", "0", f"{lost} of {written:,}", lost == 0)
    done = subprocess.run([sys.executable, rotation.__file__], cwd=ROOT, capture_output=True, text=True, timeout=1800)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr)
    found = json.loads((rotation.OUT / "rotation.json").read_text(encoding="utf-8"))
    for one in found["goals"]:
        yield Goal(one["name"], one["goal"], str(one["measured"]), one["ok"])
    peers = {name: sum(run["lost"] for run in runs) for name, runs in found["rows"].items() if name not in rotation.OURS}
    yield Goal("lines lost by the usual ways", "counted", ", ".join(f"{name}: {lost:,}" for name, lost in peers.items()), ok=True)
