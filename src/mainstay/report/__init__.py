"""Everything that people read about runs and plans: one document per report, four formats, nothing that is not in the records."""

from mainstay.report.changes import ChangeLog, change_log
from mainstay.report.period import Digest, Due, Scope, digest
from mainstay.report.render import FORMATS, Format, render
from mainstay.report.run import RunReport, build

__all__ = [
    "FORMATS",
    "ChangeLog",
    "Digest",
    "Due",
    "Format",
    "RunReport",
    "Scope",
    "build",
    "change_log",
    "digest",
    "render",
]
