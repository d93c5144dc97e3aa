"""Find SQLite databases by their header, in the places where applications keep them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mainstay.kinds.kind import Found
from mainstay.kinds.sqlite.database import MAGIC
from mainstay.model.units import Size

ROOTS = (Path("/srv"), Path("/opt"), Path("/var/lib"), Path("/var/www"), Path("/home"), Path("/root"))
_DEPTH, _ENTRIES, _DATABASES = 6, 50_000, 20
_LEAST = 8192  # bytes; below that it holds nothing worth the care
_ENDINGS = frozenset({"", ".db", ".db3", ".sqlite", ".sqlite3", ".s3db"})
_OTHERS = frozenset({"node_modules", "site-packages", "__pycache__", "dpkg", "apt", "docker", "containerd", "snapd"})


def discover(roots: tuple[Path, ...] = ROOTS) -> list[Found]:
    """Return databases, largest first; links are not followed, hidden folders and packages not entered."""
    seen = sorted(((path.stat().st_size, path) for path in _databases(roots)), reverse=True)[:_DATABASES]
    taken: dict[str, int] = {}
    return [_found(path, size, taken) for size, path in seen]


def _found(path: Path, size: int, taken: dict[str, int]) -> Found:
    name = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-") or "database"
    taken[name] = taken.get(name, 0) + 1
    unique = name if taken[name] == 1 else f"{name}-{taken[name]}"
    comment = f"a SQLite database of {Size(size)}" + (", in use (WAL)" if Path(f"{path}-wal").exists() else "")
    return Found(unique, {"path": str(path)}, comment, tasks=("checkpoint", "optimize"), weekly=("integrity", "vacuum"))


def _databases(roots: tuple[Path, ...]) -> Iterator[Path]:
    left = _ENTRIES
    for root in roots:
        for folder, names, files in os.walk(root):
            depth = len(Path(folder).relative_to(root).parts)
            names[:] = sorted(name for name in names if depth < _DEPTH and name[0] != "." and name not in _OTHERS)
            left -= len(files) + len(names)
            if left < 0:
                return
            yield from (path for name in sorted(files) if _is_database(path := Path(folder) / name))


def _is_database(path: Path) -> bool:
    if path.suffix not in _ENDINGS or path.is_symlink() or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC and os.fstat(file.fileno()).st_size >= _LEAST
    except OSError:
        return False  # another user's: not ours to maintain
