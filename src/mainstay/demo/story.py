"""What `mainstay demo` tells: make a system, look at it, plan, maintain it while it serves, count, report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mainstay.demo.audit import Audit, audit
from mainstay.demo.world import LOGS, World, world
from mainstay.model.because import Level
from mainstay.model.plan import shown
from mainstay.model.run import RunRecord, Status, Verdict
from mainstay.model.units import Duration, Size

ROUTINES = ("daily", "weekly")
Say = Callable[[str], None]


class App(Protocol):
    """What the demo needs of Mainstay; each method shows what it does on the terminal."""

    def check(self) -> object:
        """Show the state of every target."""

    def forecast(self, name: str) -> object:
        """Show what a routine would do, and why."""

    def run(self, name: str) -> RunRecord:
        """Run a routine with live progress and return its record."""

    def report(self, run: str, path: Path) -> object:
        """Write the report of a run as one HTML file."""


@dataclass(frozen=True)
class Weight:
    """How much room the world's parts take."""

    database: Size
    logs: Size

    @classmethod
    def of(cls, folder: Path) -> Weight:
        """Measure."""
        return cls(_size(folder, "data"), Size(_size(folder, "logs") + _size(folder, "archive")))


def tell(folder: Path, open_app: Callable[[Path], App], say: Say) -> int:
    """Tell the whole story in an empty folder and return the exit code: 0 when nothing failed and nothing was lost."""
    say(f"Making a small shop in {folder}: an application, its database, two live logs, uploads ...")
    with world(folder) as made:
        before = Weight.of(folder)
        say(f"  It serves at http://127.0.0.1:{made.port}/health and has {before.database} of data and {before.logs} of logs;")
        say("  its customers send 100 requests a second, and both logs are written all the time.")
        runs = maintain(made, open_app(made.configuration), say)
        made.stop()
    say("\nCounting every request and every log line ...")
    result = audit(folder, LOGS)
    lines = "\n".join(["", *summary(result, runs, (before, Weight.of(folder)))])
    say(lines.replace(f"{folder}/", ""))
    say("\n".join(["", *next_commands(folder, runs)]))
    return 0 if result.clean and all(run.verdict != Verdict.FAIL for run in runs) else 1


def maintain(made: World, app: App, say: Say) -> list[RunRecord]:
    """Look, plan, run and report while the world serves."""
    say(f"\nIts maintenance is configured in {made.configuration}. How is it now?\n")
    app.check()
    for routine in ROUTINES:
        say(f"\nWhat would the {routine} routine do?\n")
        app.forecast(routine)
    runs = []
    for routine in ROUTINES:
        say(f"\nRunning the {routine} routine; the shop stays open.\n")
        runs.append(app.run(routine))
        app.report(runs[-1].id, report_of(made.folder, routine))
    return runs


def summary(result: Audit, runs: list[RunRecord], weights: tuple[Weight, Weight]) -> Iterator[str]:
    """Yield what happened, one line for each thing that counts."""
    before, after = weights
    for run in runs:
        yield _row(run.routine, f"{run.verdict or run.status} in {run.took or Duration(0)}{_undone(run)}")
    seen = result.traffic
    yield _row("application", f"{seen.requests:,} requests, {seen.failed} failed, the slowest took {seen.worst}")
    yield from (_row("", problem) for problem in seen.failures)
    for log in result.logs:
        lines = f"{log.written:,} lines written, {log.lost} lost, {log.doubled} doubled, {log.broken} broken"
        yield _row(log.log, f"{lines}, in {log.parts} {'file' if log.parts == 1 else 'files'}")
    yield _row("database", f"{before.database} -> {after.database}")
    yield _row("logs", f"{before.logs} -> {after.logs}")
    proven = sorted(proofs(runs))
    yield _row("proven", f"a restored copy equals the original: {', '.join(proven)}" if proven else "no copy was proven")
    yield from (_row("found", finding) for finding in found(runs))
    yield from (_row("left alone", reason) for reason in left_alone(runs))


def proofs(runs: list[RunRecord]) -> set[str]:
    """Return the targets whose restored copy was compared with the original in one of the runs."""
    done = (step for run in runs for task in run.tasks for step in task.steps if step.status == Status.CHANGED)
    return {target for record in done for target in record.step.proves}


def found(runs: list[RunRecord]) -> Iterator[str]:
    """Yield the worst finding of each task that found something, and how many more it has."""
    for task in (task for run in runs for task in run.tasks):
        bad = sorted((one for one in task.findings if one.level > Level.OK), key=lambda one: -one.level)
        if bad:
            yield f"{task.id} {bad[0]}{_more(bad)}"


def left_alone(runs: list[RunRecord]) -> Iterator[str]:
    """Yield the first reason of each task that left something alone, and how many more it has."""
    for task in (task for run in runs for task in run.tasks):
        skips = task.plan.skips if task.plan else ()
        if skips:
            yield f"{task.id} {shown(skips[0].on)}: {skips[0].because}{_more(skips)}"


def next_commands(folder: Path, runs: list[RunRecord]) -> Iterator[str]:
    """Yield what to look at now."""
    command = f"{_myself()} --config {folder / 'mainstay.yaml'}"
    yield from (f"Report: {report_of(folder, run.routine)}" for run in runs)
    yield "\nThe shop is closed now; its folder and Mainstay's memory of it stay. Try:"
    yield f"  {command} runs"
    yield from (f"  {command} show {run.id}" for run in runs[-1:])
    yield f"  {command} ledger verify"
    yield f"  rm -r {folder}"


def report_of(folder: Path, routine: str) -> Path:
    """Return where the report of a routine is written."""
    return folder / f"report-{routine}.html"


def _myself() -> Path:
    """Return the command as it was called, short where it lies below this folder."""
    called = Path(sys.argv[0])
    return called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called


def _undone(run: RunRecord) -> str:
    failed = [task.id for task in run.tasks if task.status == Status.FAILED]
    return f"; failed: {', '.join(failed)}" if failed else ""


def _more(items: Sequence[object]) -> str:
    return f" (and {len(items) - 1} more)" if len(items) > 1 else ""


def _row(label: str, text: str) -> str:
    return f"  {label:<12} {text}"


def _size(folder: Path, name: str) -> Size:
    return Size(sum(path.stat().st_size for path in (folder / name).rglob("*") if path.is_file()))
