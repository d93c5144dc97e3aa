"""Find folders with a Compose file or an `.env`, and the upload folders below them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from mainstay.kinds.files.settings import Settings
from mainstay.kinds.kind import Found

ROOTS = (Path("/srv"), Path("/opt"), Path("/var/www"), Path("/home"), Path("/root"))
_DEPTH, _ENTRIES, _FOLDERS = 4, 50_000, 20
_UPLOADS = frozenset({"uploads", "upload", "media", "attachments", "user-content"})
_OTHERS = frozenset({"node_modules", "site-packages", "__pycache__", "vendor", "venv"})


def discover(roots: tuple[Path, ...] = ROOTS) -> list[Found]:
    """Return applications' folders and their uploads; links are not followed, hidden folders and packages not entered."""
    found: dict[str, Found] = {}
    for folder, comment, weekly in _folders(roots):
        name = _unique(re.sub(r"[^a-z0-9_-]+", "-", folder.name.lower()).strip("-") or "folder", found)
        found[name] = Found(name, {"path": str(folder)}, comment, weekly=weekly)
        if len(found) == _FOLDERS:
            break
    return list(found.values())


def _folders(roots: tuple[Path, ...]) -> Iterator[tuple[Path, str, tuple[str, ...]]]:
    left = _ENTRIES
    for root in roots:
        for name, below, files in os.walk(root):
            folder = Path(name)
            depth = len(folder.relative_to(root).parts)
            below[:] = sorted(one for one in below if depth < _DEPTH and one[0] != "." and one not in _OTHERS)
            left -= len(below) + len(files)
            if left < 0:
                return
            if configured := sorted(one for one in files if any(fnmatch(one, glob) for glob in Settings.configuration)):
                yield folder, f"configuration: {', '.join(configured[:3])}", ("placeholders", "audit")
            elif folder.name in _UPLOADS:
                yield folder, "files of users: back them up", ("report",)


def _unique(name: str, taken: dict[str, Found]) -> str:
    number = 2
    unique = name
    while unique in taken:
        unique, number = f"{name}-{number}", number + 1
    return unique
