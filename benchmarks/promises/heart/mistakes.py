"""Four kinds of mistakes in one configuration are told in one run, each with its line and a suggestion."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.promises.goal import Goal

COMMAND = Path(sys.executable).with_name("mainstay")
CONFIGURATION = """\
site: shop
timezone: Europe/Berlin
targets:
  store: {kind: sqlite, path: /srv/shop.db, busy_timeuot: 5s}
  site: {kind: http, url: "http://127.0.0.1:8000/health", timeout: 5sec}
  safe: {kind: backup, repository: {path: /backups}, of: [stroe]}
  disk: {kind: sqlite, path: /srv/other.db, max_free_share: 140%}
"""
TOLD = {  # line: what must be told about it, the mistake and what would be right
    4: ("targets.store.busy_timeuot", "did you mean busy_timeout"),
    5: ("targets.site.timeout", "such as 90s"),
    6: ("targets.safe.of", "did you mean store"),
    7: ("targets.disk.max_free_share", "the most is 100 %"),
}


def measure() -> Iterator[Goal]:
    """Check a configuration with a misspelt key, a bad duration, an unknown target and a value out of range."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mainstay.yaml"
        path.write_text(CONFIGURATION, encoding="utf-8")
        done = subprocess.run([COMMAND, "-c", path, "check-config"], capture_output=True, text=True, timeout=30)
    told = [number for number, words in TOLD.items() if _is_told(done.stderr, number, words)]
    measured = f"{len(told)} of {len(TOLD)} told in one run (lines {', '.join(map(str, told))}), exit {done.returncode}"
    kept = len(told) == len(TOLD) and done.returncode == 2
    yield Goal("mistakes in a configuration", "4 of 4 with line and suggestion, exit 2", measured, kept)


def _is_told(said: str, number: int, words: tuple[str, ...]) -> bool:
    lines = [line for line in said.splitlines() if f"mainstay.yaml:{number}:" in line]
    return any(all(word in line for word in words) for line in lines)
