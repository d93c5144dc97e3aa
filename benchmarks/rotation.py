"""Rotate and compress side by side with what others do: lines lost under a live writer, CPU and size of compression.

usage: python -m benchmarks.rotation   (needs logrotate and gzip; writes benchmarks/out/rotation.json; about two minutes)
"""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from backports import zstd

from mainstay.kinds.kind import Session
from mainstay.kinds.logs import KIND
from mainstay.kinds.logs.settings import Reopen, Settings
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.model.units import Size
from mainstay.system.clock import Deadline
from mainstay.system.process import Door

OUT = Path(__file__).parent / "out"
RUNS, ROTATIONS, PAUSE, LINE_PAUSE = 3, 15, 0.1, 0.0005
BYTES = 186_000_000


def main() -> int:
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT) as scratch:
        lost = {name: [losses(Path(scratch) / "live", rotate) for _ in range(RUNS)] for name, rotate in WAYS.items()}
        mine, peer = compression(Path(scratch))
    for name, runs in lost.items():
        print(f"{name:32} lost {median(line[1] for line in runs):9,.0f} of {median(line[0] for line in runs):9,.0f} lines")
    faster, smaller = peer[0] / mine[0], mine[1] / peer[1]
    for name, (seconds, size) in (("gzip -6", peer), ("mainstay: zstd frames, proven", mine)):
        print(f"{name:32} {seconds:.2f} s of CPU and {size / 1e6:.1f} MB for {BYTES / 1e6:.0f} MB")
    goals = [goal(f"lines lost, {name}", "0", worst := max(run[1] for run in lost[name]), worst == 0) for name in OURS]
    goals += [goal("CPU of gzip -6 / ours", ">= 5", round(faster, 2), faster >= 5)]
    goals += [goal("size of ours / gzip -6", "<= 0.95", round(smaller, 3), smaller <= 0.95)]
    rows = {name: [{"written": written, "lost": gone} for written, gone in runs] for name, runs in lost.items()}
    (OUT / "rotation.json").write_text(json.dumps({"goals": goals, "rows": rows}, indent=1) + "\n")
    return 0 if all(one["ok"] for one in goals) else 1


def goal(name: str, wanted: str, measured: float, ok: bool) -> dict[str, Any]:
    print(f"{'ok   ' if ok else 'short'} {name}: goal {wanted}, measured {measured}")
    return {"name": name, "goal": wanted, "measured": measured, "ok": ok}


# --- lines lost while a process writes and somebody rotates ---


def write(path: str) -> None:
    """Log numbered lines until SIGTERM; open the log anew on SIGHUP."""
    state = {"stop": False, "stale": False}
    signal.signal(signal.SIGTERM, lambda *_: state.update(stop=True))
    signal.signal(signal.SIGHUP, lambda *_: state.update(stale=True))
    number, fd = 0, os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    while not state["stop"]:
        if state["stale"]:
            os.close(fd)
            fd, state["stale"] = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640), False
        os.write(
            fd, b"%010d a line of about one hundred bytes, as an application writes them about what it does all day\n" % number
        )
        number += 1
        if number % 20 == 0:
            time.sleep(LINE_PAUSE)
    print(number)


def losses(folder: Path, rotate: Callable[[Path, int, int], None]) -> tuple[int, int]:
    """Return the lines written and the lines that are in no file afterwards."""
    folder.mkdir()
    live = folder / "app.log"
    with subprocess.Popen([sys.executable, __file__, "write", live], stdout=subprocess.PIPE) as writer:
        try:
            for turn in range(1, ROTATIONS + 1):
                fill(live)
                rotate(live, writer.pid, turn)
        finally:
            writer.terminate()
        written = int(writer.communicate()[0])
    kept = {int(line[:10]) for line in content(folder).split(b"\n") if line[:10].isdigit()}
    shutil.rmtree(folder)
    return written, written - len(kept)


def fill(live: Path) -> None:
    """Let the writer go on for a while, until there is something to rotate."""
    time.sleep(PAUSE)
    while not live.exists() or live.stat().st_size < 1 << 16:
        if live.with_name("app.log.gz").exists():
            return  # its writer goes on in a file that has no name
        time.sleep(PAUSE)


def content(folder: Path) -> bytes:
    """Join all files, the oldest first, so that a line that straddles two of them is whole."""
    files = sorted(folder.glob("app.log*"), key=lambda path: (path.name == "app.log", path.stat().st_mtime_ns, path.name))
    return b"".join(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes() for file in files)


def by_rename(live: Path, pid: int, _turn: int) -> None:
    ours("rotate", settings(live.parent, reopen=Reopen(pid=pid)))


def by_cut(live: Path, _pid: int, _turn: int) -> None:
    ours("rotate", settings(live.parent, append_only=True))


def by_copytruncate(live: Path, _pid: int, _turn: int) -> None:
    policy = live.parent / "logrotate.conf"
    policy.write_text(f"{live} {{\n rotate 1000\n copytruncate\n}}\n")
    policy.chmod(0o644)
    subprocess.run(["logrotate", "-f", "-s", live.parent / "logrotate.state", policy], check=True)


def by_cp_and_truncate(live: Path, _pid: int, turn: int) -> None:
    subprocess.run(["cp", live, f"{live}.{turn:03}"], check=True)
    subprocess.run(["truncate", "-s", "0", live], check=True)


def by_gzip(live: Path, _pid: int, _turn: int) -> None:
    if live.exists():
        subprocess.run(["gzip", "-q", "-f", live], check=False)  # it says that the file changed, and goes on


OURS = {"mainstay: rename + signal": by_rename, "mainstay: copy + cut": by_cut}
WAYS = {**OURS, "logrotate copytruncate": by_copytruncate, "cp + truncate": by_cp_and_truncate, "gzip of the live log": by_gzip}


def settings(folder: Path, **more: Any) -> Settings:
    return Settings(paths=(f"{folder}/*.log",), rivals=(), size=Size(1), delay=0, **more)


def ours(task: str, given: Settings) -> None:
    """Observe, plan, do and verify one task, as the engine does."""
    kind, session = KIND.task(task), Session(Target("logs", "logs", given), Door())
    before = kind.observe(session)
    steps = [step for step in kind.plan(before, kind.params(), "bench") if isinstance(step, Step)]
    assert steps, "nothing was planned"
    for step in steps:
        kind.apply(session, step, Deadline(step.deadline))
        why_not = kind.verify(before, kind.observe(session, step.on), step)
        assert why_not is None, why_not


# --- compression ---


def compression(scratch: Path) -> tuple[tuple[float, int], tuple[float, int]]:
    """Return CPU seconds (median) and bytes, of ours and of gzip -6, for the same three logs."""
    folder = scratch / "packed"
    folder.mkdir()
    sources = [scratch / f"{name}.txt" for name in KINDS]
    for source, lines in zip(sources, KINDS.values(), strict=True):
        generate(source, lines, BYTES // len(KINDS))
    mine, peers = zip(*[(pack(folder, sources), gzipped(sources)) for _ in range(RUNS)], strict=True)
    return middle(mine), middle(peers)


def middle(runs: tuple[tuple[float, int], ...]) -> tuple[float, int]:
    return median(run[0] for run in runs), runs[0][1]


def pack(folder: Path, sources: list[Path]) -> tuple[float, int]:
    """Compress by our task: everything it does counts, proofs included."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for source in sources:
        shutil.copy(source, folder / f"{source.stem}.log-{stamp}-01")
    used = cpu(resource.RUSAGE_SELF)
    ours("compress", settings(folder))
    used = cpu(resource.RUSAGE_SELF) - used
    packed = list(folder.glob("*.zst"))
    assert sum(len(zstd.decompress(path.read_bytes())) for path in packed) == sum(path.stat().st_size for path in sources)
    size = sum(path.stat().st_size for path in packed)
    for path in packed:
        path.unlink()
    return used, size


def gzipped(sources: list[Path]) -> tuple[float, int]:
    used, size = cpu(resource.RUSAGE_CHILDREN), 0
    for source in sources:
        subprocess.run(["gzip", "-6", "-k", "-f", source], check=True)
        size += source.with_name(source.name + ".gz").stat().st_size
    return cpu(resource.RUSAGE_CHILDREN) - used, size


def cpu(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def generate(path: Path, lines: Callable[[random.Random, str], str], size: int) -> None:
    dice, second, written = random.Random(42), 1_700_000_000.0, 0
    with path.open("w", buffering=1 << 20) as file:
        while written < size:
            second += dice.random() / 8
            written += file.write(
                lines(dice, time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(second)) + f",{int(second % 1 * 1000):03}")
            )


def access_lines(dice: random.Random, at: str) -> str:
    path = dice.choice(PATHS) % dice.getrandbits(24)
    agent = dice.choice(AGENTS) % (dice.randint(90, 130), dice.randint(0, 99))
    status = dice.choices((200, 304, 404, 401, 502), (92, 3, 3, 1, 1))[0]
    head = f'{dice.choice(HOSTS)} - user{dice.randint(1, 3000)} [{at}] "GET {path} HTTP/1.1" {status} {dice.randint(120, 90_000)}'
    tail = f'"https://app.example.com/{dice.getrandbits(16):04x}" "{agent}" rt={dice.expovariate(12):.3f} rid={unique(dice)}'
    return f"{head} {tail}\n"


def application_lines(dice: random.Random, at: str) -> str:
    request, number = unique(dice), dice.randint(1, 99_999)
    messages = (
        f"INFO [app.http] {dice.choice(HOSTS)} GET /api/v1/items/{number} 200 {dice.randint(1, 900)}ms request_id={request}",
        f"INFO [app.worker.email] task send_receipt[{request}] succeeded in {dice.random() * 3:.6f}s: user{number % 3000}",
        f"DEBUG [app.db.pool] checkout connection {dice.randint(1, 50)} idle={dice.random() * 60:.2f}s tx={request}",
        f"INFO [app.api.orders] created order {request} for customer {number} total={dice.random() * 900:.2f} EUR",
        f"WARNING [app.cache] evicted {number} keys in {dice.randint(1, 400)} ms",
        f"ERROR [app.api] unhandled exception in request {request}\n{TRACE % dice.choice((88, 143, 201))}{number}'",
    )
    return f"{at} {dice.choices(messages, (33, 24, 19, 14, 8, 2))[0]}\n"


def database_lines(dice: random.Random, at: str) -> str:
    head, host = f"{at} UTC [{dice.randint(1000, 60_000)}] app@shop", dice.choice(HOSTS)
    session = f"0:{dice.randint(10, 59)}:{dice.randint(10, 59)}.{dice.randint(0, 999):03}"
    messages = (
        f"LOG:  duration: {dice.expovariate(0.02):.3f} ms  execute <unnamed>: {QUERY}{dice.randint(1, 99_999)} ORDER BY id",
        f"LOG:  connection received: host={host} port={dice.randint(1024, 65_000)}",
        f"LOG:  disconnection: session time: {session} user=app database=shop host={host} port={dice.randint(1024, 65_000)}",
        f"ERROR:  duplicate key value violates {KEY}\n{head} DETAIL:  Key (ref)=({dice.getrandbits(48):012x}) already exists.",
    )
    return f"{head} {dice.choices(messages, (55, 20, 20, 5))[0]}\n"


def unique(dice: random.Random) -> str:
    return f"{dice.getrandbits(32):08x}-{dice.getrandbits(16):04x}-4{dice.getrandbits(12):03x}-{dice.getrandbits(48):012x}"


HOSTS = [".".join(str(random.Random(n * 4 + part).randint(1, 254)) for part in range(4)) for n in range(4000)]
PATHS = (
    "/api/v1/items/%d",
    "/api/v1/users/%d/orders?page=2&limit=20",
    "/static/js/chunk-%06x.js",
    "/api/v1/search?q=%x&sort=desc",
)
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.%d Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_%d like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/%d",
    "python-requests/2.%d.%d",
    "kube-probe/1.%d.%d",
)
TRACE = """Traceback (most recent call last):
  File "/srv/app/api/orders.py", line %d, in create_order
    customer = self.repo.get(payload["customer"])
KeyError: 'customer_"""
QUERY = "SELECT id, status, total FROM orders WHERE created_at > '2024-01-01' AND customer_id = "
KEY = 'unique constraint "orders_ref_key"'
KINDS = {"access": access_lines, "application": application_lines, "database": database_lines}


if __name__ == "__main__":
    if sys.argv[1:2] == ["write"]:
        write(sys.argv[2])
    else:
        sys.exit(main())
