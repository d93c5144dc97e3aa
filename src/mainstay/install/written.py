"""Files that were written by an installation, and whether somebody has changed them since: the first line knows."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mainstay.model.units import Size
from mainstay.system.files import read_bounded, write_atomic

_HEAD = "# written by `mainstay install`; to change something, use `systemctl edit`. sha256 of what follows: "
_MOST = Size(1_000_000)
State = Literal["new", "same", "older", "changed"]


@dataclass(frozen=True)
class File:
    """A file as it should be, and as it is: `changed` is what somebody else has written, or has changed afterwards."""

    path: Path
    wanted: str
    found: str | None

    @property
    def state(self) -> State:
        """Return how the file on disk stands to the wanted one."""
        if self.found is None:
            return "new"
        if self.found == self.wanted:
            return "same"
        head, _, rest = self.found.partition("\n")
        return "older" if head == _HEAD + _digest(rest) else "changed"

    @property
    def diff(self) -> str:
        """Return what would be different, as `diff -u` shows it."""
        lines = (self.found or "").splitlines(keepends=True), self.wanted.splitlines(keepends=True)
        return "".join(difflib.unified_diff(*lines, f"{self.path} (there)", f"{self.path} (new)"))

    def write(self) -> None:
        """Write it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(self.path, self.wanted.encode(), 0o644)


def look(path: Path, text: str) -> File:
    """Compare a file with what it should hold."""
    wanted = f"{_HEAD}{_digest(text)}\n{text}"
    return File(path, wanted, read_bounded(path, _MOST).decode("utf-8", "replace") if path.exists() else None)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
