"""Logs: rotation without a lost line, compression, archive, retention, and a catalogue of it all."""

from __future__ import annotations

from mainstay.kinds.kind import Kind
from mainstay.kinds.logs.archive import Archive
from mainstay.kinds.logs.check import Check
from mainstay.kinds.logs.compress import Compress
from mainstay.kinds.logs.discover import found
from mainstay.kinds.logs.report import Report
from mainstay.kinds.logs.retention import Retention
from mainstay.kinds.logs.rotate import Rotate
from mainstay.kinds.logs.settings import Settings

KIND = Kind(
    name="logs",
    summary="log files: rotation without a lost line, compression, archive, retention",
    settings=Settings,
    tasks=(Check(), Rotate(), Compress(), Archive(), Retention(), Report()),
    category="system",
    discover=found,
)
