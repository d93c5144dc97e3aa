"""How a site stands: one line for each target, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mainstay.model.because import Finding, Level
from mainstay.report import marks
from mainstay.report.document import Cell, Document, Paragraph, Section, table
from mainstay.report.quantity import ago


@dataclass(frozen=True)
class Look:
    """What is known of one target: its findings and when they were made; `because` where it could not be looked at."""

    target: str
    kind: str
    findings: tuple[Finding, ...] = ()
    at: datetime | None = None
    because: str = ""

    @property
    def level(self) -> Level:
        """The worst of the findings; unknown where nobody could look."""
        return max((one.level for one in self.findings), default=Level.OK) if self.at and not self.because else Level.UNKNOWN


def status(site: str, looks: Sequence[Look], now: datetime) -> Document:
    """Tell the state of every target, one line each, the worst first."""
    ordered = sorted(looks, key=lambda look: (-look.level, look.target))
    worst = ordered[0].level if ordered else Level.OK
    rows = [
        (marks.level_mark(look.level), Cell(look.target), Cell(look.kind, "muted"), Cell(_line(look)), Cell(ago(look.at, now)))
        for look in ordered
    ]  # fmt: skip
    content = table(("", "target", "kind", "state", "#looked"), rows) if rows else Paragraph("No target is configured.", "muted")
    return Document(site, marks.level_word(worst), _counted(looks), sections=(Section("", (content,)),))


def _line(look: Look) -> str:
    if look.because:
        return look.because
    worst = max(look.findings, key=lambda one: one.level, default=None)
    more = sum(one.level > Level.OK for one in look.findings) - 1
    if look.at is None or worst is None:
        return "not looked at yet" if look.at is None else "nothing to remark"
    return str(worst.because) + (f" (and {more} more)" if more > 0 else "")


def _counted(looks: Sequence[Look]) -> str:
    counts = ((level, sum(look.level is level for look in looks)) for level in sorted(Level, reverse=True))
    return ", ".join(f"{count} {level.name.lower()}" for level, count in counts if count)
