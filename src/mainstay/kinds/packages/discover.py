"""Find the packages of this host, where it is a Debian or Ubuntu."""

from __future__ import annotations

import shutil
from pathlib import Path

from mainstay.kinds.kind import Found

_STATUS = Path("/var/lib/dpkg/status")


def discover() -> list[Found]:
    """Return this host, when dpkg and apt look after it."""
    if not _STATUS.is_file() or not shutil.which("apt-cache") or not shutil.which("dpkg-query"):
        return []
    comment = "packages of this host: what waits, and how long patches take from publication to deployment"
    return [Found("packages", {}, comment, tasks=("check",))]
