"""A stranger's `git clone` and `make demo` on an empty Debian ends well, soon, and without anybody noticing."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import ROOT
from mainstay.demo.audit import audit
from mainstay.demo.world import LOGS, world
from tests.story.test_fresh_machine import debian, inside

RUNS, MOST = 3, 90.0
CONTROL = 20  # seconds of the same load without maintenance
SCREEN = ROOT / "benchmarks" / "out" / "demo-report.png"
COMMAND = (
    "rm -rf /root/mainstay /root/shop && cd /root && git clone --quiet /srv/mainstay.git mainstay"
    " && cd mainstay && make demo DIR=/root/shop"
)
PLAIN = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--window-size=1440,1600")


@dataclass(frozen=True)
class Told:
    """What one demo said at its end."""

    code: int
    seconds: float
    requests: int
    failed: int
    lost: int
    logs: int
    proven: str


def measure() -> Iterator[Goal]:
    """Clone and run three times on a fresh machine; look at the report; run the same load without maintenance."""
    with debian() as machine:
        told = [_demo(machine) for _ in range(RUNS)]
        yield _in_time(told)
        yield from _unnoticed(told)
        yield _report(machine / "root" / "shop" / "report-weekly.html")
    yield _control()


def _demo(machine: Path) -> Told:
    began = time.monotonic()
    done = inside(machine, COMMAND)
    took = time.monotonic() - began
    traffic = re.search(r"([\d,]+) requests, (\d+) failed", done.stdout)
    lines = re.findall(r"lines written, (\d+) lost, (\d+) doubled, (\d+) broken", done.stdout)
    proven = re.search(r"a restored copy equals the original: (.+)", done.stdout)
    requests, failed = (int(part.replace(",", "")) for part in traffic.groups()) if traffic else (0, -1)
    lost = sum(int(number) for log in lines for number in log)
    return Told(done.returncode, took, requests, failed, lost, len(lines), proven[1].strip() if proven else "")


def _in_time(told: list[Told]) -> Goal:
    middle, codes = median(one.seconds for one in told), [one.code for one in told]
    measured = f"{middle:.0f} s (median of {RUNS}: {', '.join(f'{one.seconds:.0f}' for one in told)}), exit {max(codes)}"
    return Goal("git clone and make demo", f"exit 0, < {MOST:.0f} s with install", measured, not any(codes) and middle < MOST)


def _unnoticed(told: list[Told]) -> Iterator[Goal]:
    requests, failed = sum(one.requests for one in told), sum(one.failed for one in told)
    yield Goal("requests during maintenance", "0 failed", f"{failed} failed of {requests:,}", failed == 0 < requests)
    lost, counted = sum(one.lost for one in told), all(one.logs == len(LOGS) for one in told)
    yield Goal("log lines of the demo", "0 lost", f"{lost} lost, doubled or broken", counted and lost == 0)
    equal = {one.proven for one in told}
    yield Goal("the restored copy", "proven equal", ", ".join(sorted(equal)) or "not proven", equal == {"db, uploads"})


def _report(path: Path) -> Goal:
    """Open the report in Chromium: its verdict is in the page, and the picture is not an empty one."""
    SCREEN.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        shown = ["chromium", "--headless=new", *PLAIN, f"--user-data-dir={profile}"]
        page = subprocess.run([*shown, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=120).stdout
        subprocess.run([*shown, f"--screenshot={SCREEN}", path.as_uri()], capture_output=True, check=True, timeout=120)
    verdict = re.search(r"\b(pass|degraded)\b", page, re.IGNORECASE)
    charts, size = page.count("<svg"), SCREEN.stat().st_size
    seen = f"verdict {verdict[0] if verdict else 'missing'}, {charts} charts"
    measured = f"{seen}, screenshot of {size / 1000:.0f} kB in {SCREEN.relative_to(ROOT)}"
    return Goal("the report in Chromium", "opens with its verdict", measured, bool(verdict) and charts > 0 and size > 20_000)


def _control() -> Goal:
    with tempfile.TemporaryDirectory() as name:
        with world(Path(name) / "shop"):
            time.sleep(CONTROL)
        seen = audit(Path(name) / "shop", LOGS)
    told = f"{seen.traffic.failed} failed of {seen.traffic.requests:,}, the slowest took {seen.traffic.worst}"
    return Goal(f"the same load for {CONTROL} s without maintenance (control)", "0 failed", told, seen.clean)
