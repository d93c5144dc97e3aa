"""One report in the format that was asked for."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, Literal, get_args

from mainstay.model.codec import encode
from mainstay.report import backup_page, changes, checklist, emergency_page, html, markdown, period_page, run_page, terminal
from mainstay.report.backup_page import BackupReport
from mainstay.report.changes import ChangeLog
from mainstay.report.checklist import ChecklistReport
from mainstay.report.document import Document
from mainstay.report.emergency import EmergencyReport
from mainstay.report.period import Digest
from mainstay.report.run import RunReport

Format = Literal["text", "markdown", "json", "html", "csv"]
FORMATS: tuple[str, ...] = get_args(Format)
Report = RunReport | Digest | ChangeLog | BackupReport | EmergencyReport | ChecklistReport

SCHEMAS: dict[type, str] = {
    RunReport: "mainstay.run/1",
    Digest: "mainstay.digest/1",
    ChangeLog: "mainstay.changes/1",
    BackupReport: "mainstay.backup/1",
    EmergencyReport: "mainstay.emergency-report/1",
    ChecklistReport: "mainstay.checklist/1",
}


def render(report: Report, format: Format = "text") -> str:
    """Render a report; ValueError where there is no such form of it (CSV is for the change log only)."""
    match format:
        case "text":
            return terminal.write(document(report))
        case "markdown":
            return markdown.write(document(report))
        case "html":
            return html.write(document(report))
        case "json":
            return json.dumps(as_json(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        case "csv" if isinstance(report, ChangeLog):
            return _csv(report)
    raise ValueError(f"no {format} of a {type(report).__name__}")


def document(report: Report) -> Document:
    """Return what the formats for people render."""
    if isinstance(report, RunReport):
        return run_page.document(report)
    if isinstance(report, BackupReport):
        return backup_page.document(report)
    if isinstance(report, EmergencyReport):
        return emergency_page.document(report)
    if isinstance(report, ChecklistReport):
        return checklist.document(report)
    return period_page.document(report) if isinstance(report, Digest) else changes.document(report)


def as_json(report: Report) -> dict[str, Any]:
    """Return the JSON form; `schema` names it and its version (docs/reference/report-json.md)."""
    return {"schema": SCHEMAS[type(report)], **encode(report)}


def _csv(log: ChangeLog) -> str:
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(changes.COLUMNS)
    writer.writerows([_inert(text) for text in changes.row(change)] for change in log.changes)
    return output.getvalue()


def _inert(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
