"""Give back the room of a bloated database in use: the runbook's way, plain pg_repack and ours, in one run.

usage: python -m benchmarks.postgres [--quick]       (as root; benchmarks/out/postgres.json; 25 minutes, --quick 6)

A 1 GB database, a third of it live, under pgbench (100 transactions a second) and a probe that reads and writes every 10 ms. Each
way works on a fresh copy, alone and beside a reader that sits idle in a transaction for 15 s. A control run does nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from tests.live.postgres_server import PostgresServer, server

OUT = Path(__file__).parent / "out"
PROBE = str(Path(__file__).parent / "promises" / "postgres" / "probe.py")
TABLES = ("pgbench_accounts", "events", "visits", "papers")
HOLD, RUNS = 15.0, 3
SETTINGS = {
    "shared_buffers": "1GB", "maintenance_work_mem": "256MB", "max_wal_size": "4GB", "fsync": "on", "max_connections": "60",
    "autovacuum_naptime": "1min",
}  # fmt: skip
STALL, SHARE = 250.0, {"mainstay: pg_repack": 0.99, "mainstay: tuple mover": 0.95}


@dataclass(frozen=True)
class Trial:
    """What one way of working came to. Times in milliseconds, sizes in bytes."""

    way: str
    hold: float
    seconds: float
    requests: int
    failed: int
    worst: float
    p99: float
    reclaimed: int
    wal: int
    quiet: float  # the worst of the same probe just before the work
    error: str = ""


class Arena:
    """A running copy of the bloated cluster with load on it."""

    def __init__(self, cluster: PostgresServer, folder: Path) -> None:
        self.server, self.folder, self.down = cluster, folder, folder / "down"

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        return self.server.sql(statement, database="bench")

    def size(self) -> int:
        return sum(int(self.sql(f"SELECT pg_total_relation_size('{table}')")[0][0]) for table in TABLES)

    def mainstay(self, strategy: str) -> None:
        """Run our task by the command line, as an operator does."""
        path = self.folder / "mainstay.yaml"
        task = f"db.compact: {{ratio: 1.3, min_waste: 10MB, strategy: {strategy}}}"
        lines = ["site: bench", "timezone: UTC", f"state: {self.folder}/state", "targets:"]
        lines += [f'  db: {{kind: postgres, dsn: "{self.server.dsn("bench")}"}}', "routines:", f"  care: {{tasks: [{task}]}}"]
        path.write_text("\n".join(lines) + "\n")
        command = [str(Path(sys.executable).with_name("mainstay")), "-c", str(path), "run", "care", "--yes"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
        (OUT / f"postgres-{strategy}.txt").write_text(done.stdout + done.stderr)
        if done.returncode:
            raise RuntimeError(done.stdout[-800:] + done.stderr[-800:])


def stopped(arena: Arena) -> None:
    """The runbook: stop the application, VACUUM FULL, REINDEX, wait, start it."""
    arena.down.touch()
    arena.sql("VACUUM FULL")
    arena.sql("REINDEX DATABASE bench")
    arena.down.unlink()


def vacuum_full(arena: Arena) -> None:
    arena.sql("VACUUM FULL")


def pg_repack(arena: Arena) -> None:
    tables = [part for table in TABLES for part in ("-t", table)]
    dsn = psycopg.conninfo.conninfo_to_dict(arena.server.dsn("bench"))
    where = ["-h", str(dsn["host"]), "-p", str(dsn["port"]), "-U", "postgres", "-d", "bench"]
    arena.server.binaries.run("pg_repack", *where, "--no-kill-backend", *tables, timeout=600)


def control(_arena: Arena) -> None:
    time.sleep(HOLD)


WAYS: dict[str, Callable[[Arena], None]] = {
    "control: no maintenance": control,
    "runbook: application stopped": stopped,
    "VACUUM FULL": vacuum_full,
    "pg_repack": pg_repack,
    "mainstay: pg_repack": lambda arena: arena.mainstay("repack"),
    "mainstay: tuple mover": lambda arena: arena.mainstay("mover"),
}
OURS = [way for way in WAYS if way.startswith("mainstay")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench-postgres")
    parser.add_argument("--quick", action="store_true", help="one run of each way")
    runs = 1 if parser.parse_args().quick else RUNS
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        base = build(Path(name))
        trials = list(tried(base, Path(name), runs))
    table(trials)
    goals = [one for way in OURS for one in judged(way, trials)]
    (OUT / "postgres.json").write_text(json.dumps({"goals": goals, "trials": [asdict(one) for one in trials]}, indent=1) + "\n")
    return 0 if all(one["ok"] for one in goals) else 1


def build(folder: Path) -> Path:
    """Make the bloated cluster once; return its data directory."""
    with server(folder / "base", 15, settings=SETTINGS) as made:
        made.extend()
        made.create_database("bench")
        made.sql("DROP EXTENSION pg_repack; DROP EXTENSION pgstattuple", database="bench")
        dsn = made.dsn("bench")
        made.binaries.run("pgbench", "-i", "-q", "-s", "10", dsn, timeout=300)
        script = folder / "postgres.sql"
        shutil.copy(Path(__file__).with_suffix(".sql"), script)
        made.binaries.run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script), dsn, timeout=600)
        made.stop("fast")
    return folder / "base" / "data"


def tried(base: Path, folder: Path, runs: int) -> Iterator[Trial]:
    """Try each way alone and beside an idle reader; ours more often, with a control before each round."""
    print(COLUMNS.format(*HEAD))
    for number in range(runs):
        for hold in (0.0, HOLD):
            for way in WAYS:
                if number == 0 or way in OURS or way.startswith("control"):
                    one = trial(base, folder / "trial", way, hold)
                    print(line(one), flush=True)
                    yield one


def trial(base: Path, folder: Path, way: str, hold: float) -> Trial:
    """Work on a copy under load, and return what the probe felt and what was given back."""
    with copied(base, folder) as cluster, ExitStack() as ending:
        arena, error = Arena(cluster, folder), ""
        if way.endswith("pg_repack"):
            arena.sql("CREATE EXTENSION pg_repack")
            arena.sql("CREATE EXTENSION pgstattuple")
        before, dsn = arena.size(), cluster.dsn("bench")
        load = cluster.binaries.argv("pgbench", "-n", "-R", "100", "-c", "4", "-T", "900", dsn)
        pgbench = subprocess.Popen(load, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        ending.callback(end, pgbench)
        time.sleep(2)
        quiet = finish(probing(arena), 5)
        probe = probing(arena)
        time.sleep(2)
        lsn = arena.sql("SELECT pg_current_wal_lsn()")[0][0]
        reader = threading.Thread(target=idle, args=(dsn, hold))
        reader.start()
        time.sleep(0.3 if hold else 0)
        began = time.perf_counter()
        try:
            WAYS[way](arena)
        except (psycopg.Error, RuntimeError, AssertionError, subprocess.TimeoutExpired) as why:
            error = f"{type(why).__name__}: {why}"
        seconds = time.perf_counter() - began
        wal = int(arena.sql(f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{lsn}')")[0][0])
        felt = finish(probe, 2)
        reader.join()
        end(pgbench)
        gone = before - arena.size()
        return Trial(
            way, hold, seconds, felt["requests"], felt["failed"], felt["worst"], felt["p99"], gone, wal, quiet["worst"], error
        )


@contextmanager
def copied(base: Path, folder: Path) -> Iterator[PostgresServer]:
    """Start a copy of the bloated cluster; it is removed at the end."""
    with server(folder, 15, settings=SETTINGS) as made:
        made.stop("fast")
        port = [
            one for one in (made.data / "postgresql.conf").read_text().splitlines() if one.startswith(("port", "unix_socket"))
        ]
        shutil.rmtree(made.data)
        subprocess.run(["cp", "-a", "--reflink=auto", base, made.data], check=True)
        with (made.data / "postgresql.conf").open("a") as conf:
            conf.write("\n".join(port) + "\n")
        made.start()
        yield made
    shutil.rmtree(folder)


def probing(arena: Arena) -> subprocess.Popen[str]:
    command = [sys.executable, PROBE, arena.server.dsn("bench"), str(arena.down)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def finish(probe: subprocess.Popen[str], seconds: float) -> dict[str, Any]:
    """Let a probe go on for a while, and return what it felt."""
    time.sleep(seconds)
    felt: dict[str, Any] = json.loads(probe.communicate()[0])
    return felt


def end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    process.wait(30)


def idle(dsn: str, seconds: float) -> None:
    """Read every table and sit idle in the transaction."""
    if seconds:
        with psycopg.connect(dsn, application_name="idle reader") as connection:
            for one in TABLES:
                connection.execute(f"SELECT 1 FROM {one} LIMIT 1".encode())
            time.sleep(seconds)


HEAD = ("way", "reader", "work s", "failed", "worst ms", "quiet ms", "p99 ms", "freed MB", "WAL MB", "")
COLUMNS = "{:30} {:>6} {:>8} {:>13} {:>9} {:>8} {:>8} {:>9} {:>7} {}"


def line(one: Trial) -> str:
    held, failed = f"{one.hold:.0f} s" if one.hold else "-", f"{one.failed} of {one.requests}"
    times = (f"{one.worst:.0f}", f"{one.quiet:.0f}", f"{one.p99:.1f}")
    sizes = (f"{one.reclaimed / 1e6:.0f}", f"{one.wal / 1e6:.0f}")
    return COLUMNS.format(one.way, held, f"{one.seconds:.1f}", failed, *times, *sizes, one.error[:300])


def table(trials: list[Trial]) -> None:
    """Print the median of each way; of failures and of what was given back, the worst."""
    print("\nmedians\n" + COLUMNS.format(*HEAD))
    for way in WAYS:
        for hold in (0.0, HOLD):
            found = [one for one in trials if (one.way, one.hold) == (way, hold)]
            middle: dict[str, Any] = {
                name: median(getattr(one, name) for one in found) for name in ("seconds", "worst", "p99", "wal", "quiet")
            }
            failed, freed = max(one.failed for one in found), min(one.reclaimed for one in found)
            print(line(replace(found[0], failed=failed, reclaimed=freed, **middle)))


def judged(way: str, trials: list[Trial]) -> Iterator[dict[str, Any]]:
    """Judge one of our ways: requests that failed, the worst stall of each run, bytes given back."""
    mine = [one for one in trials if one.way == way]
    full = next(one for one in trials if one.way == "VACUUM FULL" and not one.hold).reclaimed
    failed = sum(one.failed for one in mine) + sum(bool(one.error) for one in mine)
    yield goal(f"{way}: failed requests", "0 in every run", failed, failed == 0)
    for one in mine:
        usual = max(other.worst for other in trials if other.way.startswith("control") and other.hold == one.hold)
        limit = max(STALL, 1.5 * usual) if usual > 170 else STALL
        yield goal(
            f"{way}: worst stall{' beside an idle reader' if one.hold else ''}",
            f"< {limit:.0f} ms (control {usual:.0f})",
            round(one.worst),
            one.worst < limit,
        )
    share = min(one.reclaimed for one in mine) / full
    yield goal(f"{way}: bytes of VACUUM FULL's", f">= {SHARE[way]:.0%}", round(share, 4), share >= SHARE[way])


def goal(name: str, wanted: str, measured: float, ok: bool) -> dict[str, Any]:
    print(f"{'ok   ' if ok else 'short'} {name}: goal {wanted}, measured {measured}")
    return {"name": name, "goal": wanted, "measured": measured, "ok": ok}


if __name__ == "__main__":
    sys.exit(main())
