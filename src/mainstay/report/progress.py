"""What is seen while a run goes on: what has ended stays, one line below it moves on a terminal; elsewhere plain lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from mainstay.ledger import events
from mainstay.ledger.events import Event
from mainstay.model.plan import shown
from mainstay.model.run import RunRecord, TaskRecord
from mainstay.model.units import Duration, Size
from mainstay.report import terminal
from mainstay.report.document import Cell, Entries, Entry, clean
from mainstay.report.marks import status_mark, told
from mainstay.report.quantity import shown as shown_took

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text

EVERY = 10.0  # seconds between two plain lines of one step
BAR = 16  # columns
_BYTES = ("B", "byte", "bytes")


@dataclass(frozen=True)
class Pace:
    """How far a step is; `total` is 0 where nobody knows it. What follows the first word of `unit` is the phase it is in."""

    done: float = 0
    total: float = 0
    unit: str = ""
    elapsed: float = 0  # seconds

    def __str__(self) -> str:
        counted, _, phase = self.unit.partition(" ")
        if not self.done:
            return ", ".join(part for part in (phase, str(Duration(round(self.elapsed))) if self.elapsed >= 1 else "") if part)
        rate = self.done / self.elapsed if self.elapsed >= 1 else 0.0
        left = Duration(max(1, round((self.total - self.done) / rate))) if rate and self.total > self.done else None
        of = (
            f"{self._number(self.done)} of {self._amount(self.total, counted)}"
            if self.total
            else self._amount(self.done, counted)
        )
        parts = (phase, of, f"{self._amount(rate, counted)}/s" if rate else "", f"{left} left" if left else "")
        return ", ".join(part for part in parts if part)

    @property
    def bar(self) -> str:
        """A bar of BAR columns, or nothing where the whole is not known."""
        full = round(BAR * min(self.done / self.total, 1.0)) if self.total > 0 else 0
        return "━" * full + "╌" * (BAR - full) if self.total > 0 else ""

    def _number(self, value: float) -> str:
        if self.unit in _BYTES:
            return str(Size(round(value)))
        return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"

    def _amount(self, value: float, counted: str) -> str:
        return self._number(value) + ("" if self.unit in _BYTES else f" {counted}".rstrip())


class Progress:
    """Listens to one run and tells it on a stream; `clock` is monotonic seconds. A reader who goes away does not stop the run."""

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream, self._clock = stream, clock
        self._live: Live | None = None
        self._what, self._pace = "", Pace()
        self._began = self._counted = self._told = clock()

    def __enter__(self) -> Progress:
        if self._stream.isatty():
            self._live = self._moving()
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def event(self, record: RunRecord, event: Event) -> None:
        """Hear of a committed event and the record that it led to."""
        if event.kind in (events.STEP_STARTED, events.STEP_ENDED, events.TASK_PLANNED, events.TASK_ENDED):
            task = record.task(event.task)
            tell = self._step if event.kind in (events.STEP_STARTED, events.STEP_ENDED) else self._task
            tell(task)
        elif event.kind in (events.RUN_TURNED, events.RUN_PARKED):
            self._print(Entry(Cell("!", "warn"), record.routine, str(record.status), told(event.body["because"])))
        elif event.kind == events.PHASE_BEGUN:
            self._phase(record, event)
        elif event.kind in (events.RUN_ADOPTED, events.RUN_FINAL):
            self._begin(f"{record.routine}: checks")

    def _phase(self, record: RunRecord, event: Event) -> None:
        """Tell a phase that begins, with how it stands against its plan."""
        phase = next(one for one in record.phases if one.name == event.body["phase"])
        late = Duration((event.at - phase.begins).total_seconds())
        against = f", {late} later than planned" if late >= 60 else ""
        length = Duration((phase.ends - phase.begins).total_seconds())
        self._print(Entry(Cell("▸", "info"), f"phase {phase.name}", f"{length}{against}"))

    def progress(self, task: str, done: float, total: float, unit: str) -> None:
        """Hear how far a long step is; off a terminal say so only every ten seconds."""
        now = self._clock()
        self._what = self._what or task
        if unit != self._pace.unit:
            self._counted = now if self._pace.unit else self._began  # another phase has a pace of its own
        self._pace = Pace(done, total, unit, now - self._counted)
        if not self._live and now - self._told >= EVERY:
            self._told = now
            self._print(Entry(Cell("·"), self._what, str(self._pace)))

    def _step(self, task: TaskRecord) -> None:
        record = task.steps[-1]
        what = f"{task.id}: {'undo: ' if record.undo_of else ''}{record.step.action} {shown(record.step.on)}"
        if record.ended is None:
            self._begin(what)
        else:
            self._begin(task.id)
            self._print(Entry(status_mark(record.status), what, shown_took(record.took, "s"), told(record.because)))

    def _task(self, task: TaskRecord) -> None:
        self._begin(task.id if task.ended is None else "")
        if task.ended:
            forecast = f", forecast {task.forecast}" if task.forecast else ""
            took = f"{task.status} in {shown_took(task.took, 's')}{forecast}" if task.took is not None else str(task.status)
            self._print(Entry(status_mark(task.status), task.id, took, told(task.because)))

    def _begin(self, what: str) -> None:
        self._what, self._pace = what, Pace()
        self._began = self._counted = self._told = self._clock()

    def _print(self, entry: Entry) -> None:
        width, colour = terminal.width_of(self._stream), terminal.colour_of(self._stream)
        text = terminal.lines(Entries((entry,)), width, colour)
        if self._live:
            from rich.text import Text

            self._live.console.print(Text.from_ansi(text.rstrip("\n")))
        else:
            terminal.put(text, self._stream)

    def _moving(self) -> Live:
        from rich.console import Console
        from rich.live import Live

        colour = terminal.colour_of(self._stream)  # Rich takes no_color for colours alone, and would still write dim
        console = Console(file=self._stream, highlight=False, markup=False, emoji=False, color_system="auto" if colour else None)
        return Live(get_renderable=self._line, console=console, refresh_per_second=8, transient=True, redirect_stdout=False)

    def _line(self) -> Text:
        from rich.text import Text

        if not self._what:
            return Text("")
        pace = self._pace if self._pace.done else Pace(unit=self._pace.unit, elapsed=self._clock() - self._began)
        end = "  ".join(part for part in (pace.bar, str(pace)) if part)
        room = terminal.width_of(self._stream) - len(end) - 5
        return Text.assemble(
            ("▸ ", "blue"), clean(self._what, max(room, 8)), "  ", (end, "dim"), no_wrap=True, overflow="ellipsis"
        )
