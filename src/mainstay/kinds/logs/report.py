"""List every log with its parts and its archive."""

from __future__ import annotations

from mainstay.kinds.kind import NoParams
from mainstay.kinds.logs.facts import Facts, Stream
from mainstay.kinds.logs.task import LogTask
from mainstay.model.because import Finding, Level, because
from mainstay.model.task import TaskClass
from mainstay.model.units import Size


class Report(LogTask):
    """The catalogue: its facts hold every file, its findings one line for each log."""

    name = "report"
    summary = "list logs, rotated parts and archived parts, with sizes and dates"
    task_class = TaskClass.CHECK

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """Describe each log, those that only the archive knows as well, and the whole."""
        gone = sorted({entry.stream for entry in facts.archived} - {stream.path for stream in facts.streams})
        streams = [*facts.streams, *(Stream(path) for path in gone)]
        lines = [Finding(Level.OK, stream.path, because(_line(stream, facts), None)) for stream in streams]
        archived = Size(sum(entry.bytes for entry in facts.archived))
        return [*lines, Finding(Level.OK, "all logs", because(f"{facts.total} here, {archived} archived", None))]


def _line(stream: Stream, facts: Facts) -> str:
    live = f"live {stream.live.size}" if stream.live else "no live file"
    dates = f" since {stream.parts[0].stamp:%Y-%m-%d}" if stream.parts else ""
    parts = f"{len(stream.parts)} parts, {Size(sum(part.size for part in stream.parts))}{dates}"
    shelf = [entry for entry in facts.archived if entry.stream == stream.path]
    since = f" since {shelf[0].first or shelf[0].stamp[:10]}" if shelf else ""
    return f"{live}; {parts}; {len(shelf)} archived, {Size(sum(entry.bytes for entry in shelf))}{since}"
