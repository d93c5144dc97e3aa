"""How long a command and a journalled step take, beside what they cannot be faster than.

usage: python -m benchmarks.speed        (writes benchmarks/out/speed.json; half a minute)

`mainstay --help` and `mainstay status` stand beside `python -c pass`; the start and end rows of a step beside one bare write of
as many bytes with fdatasync. Each figure is the median of 15 and takes turns with its control, so that both meet the same load.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.ledger.journal import Journal

OUT = Path(__file__).parent / "out" / "speed.json"
COMMAND = str(Path(sys.executable).with_name("mainstay"))
COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
RUNS, STEPS, PAST = 15, 100, 10
SLOWEST = 12  # rows of the table of imports
ARGS = {"part": "app.log-20261120T020000Z-01", "inode": 4711}
BODY = {"step": {"id": "rotate-1", "action": "rename", "args": ARGS}, "why": "x" * 200}
SITE = """\
site: bench
timezone: Europe/Berlin
state: {folder}/state
targets:
  host: {{kind: host}}
  web: {{kind: http, url: "http://127.0.0.1:9/health"}}
  db: {{kind: sqlite, path: {folder}/shop.db}}
  logs: {{kind: logs, paths: ["{folder}/*.log"]}}
  uploads: {{kind: files, path: {folder}/uploads}}
  safe: {{kind: backup, repository: {{path: {folder}/repo}}, of: [db, uploads]}}
  script: {{kind: command, argv: [/bin/true], neutral: true}}
  note: {{kind: command, argv: [/bin/echo, noted], neutral: true}}
routines:
  daily: {{tasks: [script.run, note.run, db.optimize]}}
  weekly: {{tasks: [db.integrity, script.run]}}
"""


@dataclass(frozen=True)
class Figure:
    """A median, its limit, and the median of its control."""

    name: str
    ms: float
    most_ms: float
    control: str
    control_ms: float

    @property
    def ok(self) -> bool:
        """Whether it keeps its limit."""
        return self.ms <= self.most_ms


def main() -> int:
    """Print every figure and where the imports spend their time; 0 when all limits are kept."""
    found = list(figures())
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, medians of {RUNS}")
    for one in found:
        mark = "ok" if one.ok else "short"
        print(f"{mark:5} {one.name:28} {one.ms:7.2f} ms of {one.most_ms:g}; {one.control} {one.control_ms:.2f} ms")
    for row in imports():
        print(f"      {row}")
    goals = [{"name": f.name, "goal": f"<= {f.most_ms:g} ms", "measured": round(f.ms, 2), "ok": f.ok} for f in found]
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps({"goals": goals, "figures": [asdict(one) for one in found]}, indent=1) + "\n", encoding="utf-8")
    return 0 if all(one.ok for one in found) else 1


def figures() -> Iterator[Figure]:
    """Measure everything once."""
    nothing = called(sys.executable, "-c", "pass")
    yield Figure("mainstay --help", *beside(called(COMMAND, "--help"), 150, "python -c pass", nothing))
    with tempfile.TemporaryDirectory(dir=Path(__file__).parent) as name:  # /tmp may be memory, where a sync costs nothing
        status = called(COMMAND, "-c", str(site(Path(name))), "status")
        yield Figure("mainstay status, 8 targets", *beside(status, 250, "python -c pass", nothing))
        yield journal(Path(name))


def beside(act: Callable[[], float], most: float, control: str, bare: Callable[[], float]) -> tuple[float, float, str, float]:
    """Take turns; return the median, the limit, and the control with its median."""
    pairs = [(act(), bare()) for _ in range(RUNS)]
    return median(one for one, _ in pairs), most, control, median(other for _, other in pairs)


def called(*argv: str) -> Callable[[], float]:
    """Return what calls a command and says how many milliseconds that took."""

    def call() -> float:
        began = time.perf_counter()
        subprocess.run(argv, stdout=subprocess.DEVNULL, check=True, env=COMPILED)
        return 1000 * (time.perf_counter() - began)

    call()  # so that everything is compiled, as it is once it is installed
    return call


def journal(folder: Path) -> Figure:
    """Measure the start row and the end row of a step together, and one bare write of their size with fdatasync."""
    ledger, fd = Journal(folder / "journal"), os.open(folder / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    content = json.dumps(BODY).encode() * 2

    def rows() -> None:
        for kind in (events.STEP_STARTED, events.STEP_ENDED):
            ledger.append(kind, BODY, run="bench", task="logs.rotate")

    def bare() -> None:
        os.write(fd, content)
        os.fdatasync(fd)

    figure = Figure("journal, both rows of a step", *beside(each(rows), 1, "one write + fdatasync", each(bare)))
    os.close(fd)
    ledger.close()
    return figure


def each(act: Callable[[], None]) -> Callable[[], float]:
    """Return what does an act many times and says how many milliseconds each took in the middle."""

    def measured() -> float:
        took = []
        for _ in range(STEPS):
            began = time.perf_counter()
            act()
            took.append(1000 * (time.perf_counter() - began))
        return median(took)

    return measured


def site(folder: Path) -> Path:
    """Make a site of 8 targets with a look at each and runs of two routines; return its configuration."""
    path = folder / "mainstay.yaml"
    path.write_text(SITE.format(folder=folder), encoding="utf-8")
    (folder / "uploads").mkdir()
    (folder / "app.log").write_text("started\n")
    with closing(sqlite3.connect(folder / "shop.db")) as made:
        made.execute("CREATE TABLE t(a)")
    app = App.open(path)
    app.check()
    for number in range(PAST):
        app.run(("daily", "weekly")[number % 2], Launch(by="bench"))
    app.journal.close()
    return path


def imports() -> list[str]:
    """Return the modules of `mainstay --help` that take longest to import, with all that they import."""
    argv = [sys.executable, "-X", "importtime", COMMAND, "--help"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=COMPILED)
    rows = [(int(total), name) for total, name in re.findall(r"\| +(\d+) \| +(\S+)", done.stderr)]
    return [f"{total / 1000:6.1f} ms  {name}" for total, name in sorted(rows, reverse=True)[:SLOWEST]]


if __name__ == "__main__":
    sys.exit(main())
