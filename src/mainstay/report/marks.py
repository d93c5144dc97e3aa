"""The words, marks and tones for what the records say; the same in every format."""

from __future__ import annotations

from mainstay.model.because import Finding, Level
from mainstay.model.plan import Impact
from mainstay.model.run import Status, Verdict
from mainstay.report.document import Cell, Entry, Tone

_STATUS: dict[Status, tuple[str, Tone]] = {
    Status.PENDING: ("·", "muted"),
    Status.RUNNING: ("▸", "info"),
    Status.OK: ("=", "muted"),
    Status.CHANGED: ("✓", "good"),
    Status.FAILED: ("✗", "bad"),
    Status.UNDONE: ("↺", "warn"),
    Status.SKIPPED: ("–", "muted"),
    Status.DEFERRED: ("»", "info"),
    Status.WAITING: ("…", "info"),
    Status.UNKNOWN: ("?", "bad"),
    Status.REFUSED: ("⊘", "warn"),
    Status.CANCELLED: ("■", "warn"),
}
_VERDICT: dict[Verdict, Tone] = {Verdict.PASS: "good", Verdict.DEGRADED: "warn", Verdict.FAIL: "bad"}
_LEVEL: dict[Level, tuple[str, Tone]] = {
    Level.OK: ("✓", "good"),
    Level.WARNING: ("!", "warn"),
    Level.CRITICAL: ("✗", "bad"),
    Level.UNKNOWN: ("?", "bad"),
}
_IMPACT: dict[Impact, tuple[str, Tone]] = {
    Impact.NONE: ("no impact", "muted"),
    Impact.LOAD: ("load", "info"),
    Impact.BLOCKS_WRITES: ("blocks writes", "warn"),
    Impact.DOWNTIME: ("downtime", "bad"),
}
ASCII = str.maketrans("✓✗↺–»…⊘■▸·−→±×─━╌", "+x<->~##>.->~x---")


def status_mark(status: Status) -> Cell:
    """Return the mark of a status."""
    return Cell(*_STATUS[status])


def status_word(status: Status) -> Cell:
    """Return the name of a status in its tone."""
    return Cell(str(status), _STATUS[status][1])


def level_mark(level: Level) -> Cell:
    """Return the mark of a level."""
    return Cell(*_LEVEL[level])


def level_word(level: Level) -> Cell:
    """Return the name of a level in its tone."""
    return Cell(level.name.lower(), _LEVEL[level][1])


def impact_word(impact: Impact) -> Cell:
    """Return what users notice, in its tone."""
    return Cell(*_IMPACT[impact])


def verdict_word(verdict: Verdict | None, status: Status, *, rolled_back: bool = False) -> Cell:
    """Return the verdict, or how the run stands where there is none."""
    if rolled_back:
        return Cell("rolled back", _VERDICT[Verdict.DEGRADED])
    return Cell(str(verdict), _VERDICT[verdict]) if verdict else status_word(status)


def finding_entry(finding: Finding) -> Entry:
    """Tell a finding: on what, why, and what to do."""
    return Entry(
        level_mark(finding.level), finding.on, finding.level.name.lower(), told(str(finding.because), advice=finding.advice)
    )


def told(*texts: str, advice: str = "") -> tuple[Cell, ...]:
    """Return the lines below an entry; advice is set apart."""
    lines = tuple(Cell(text) for text in texts if text)
    return (*lines, Cell(f"→ {advice}", "muted")) if advice else lines
