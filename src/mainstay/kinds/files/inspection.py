"""What is wrong with the Compose files of a folder, and how two folders differ, without a word of a secret."""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from mainstay.kinds.files.pairs import Unparsed, form_of, pairs
from mainstay.kinds.files.syntax import mistakes
from mainstay.model.units import Size
from mainstay.system.files import read_bounded

_COMPOSE = ("*compose*.yml", "*compose*.yaml")
_LARGEST = Size(500_000)
_SECRET = ("*.env", ".env*", "*secret*", "*.key", "*.pem", "*password*", "*credential*", "*.p12", "*.pgpass")
_AFTER_KEY = re.compile(r"(?i)((?:pass|pwd|secret|token|key|credential|auth)[\w.-]*[\"']?\s*(?:[:=]|\s)\s*)\S.*")
_IN_ADDRESS = re.compile(r"(://[^/\s:@]*:)[^@\s]+@")
_LINES = 200  # of all differences together


def compose_faults(folder: Path, pulse: Callable[[], None]) -> Iterator[str]:
    """Yield every mistake of every Compose file, with file and line; one without services is a mistake."""
    for path in sorted(folder.rglob("*")):
        pulse()
        if not any(fnmatch(path.name, glob) for glob in _COMPOSE) or path.is_symlink() or not path.is_file():
            continue
        name, text = path.relative_to(folder), _text(path)
        wrong = mistakes("yaml", text) if text is not None else [Unparsed(0, "is no text")]
        yield from (f"{name}:{one.line}: {one.problem}" for one in wrong)
        if text is not None and not wrong and not any(pair.key.startswith("services.") for pair in pairs("yaml", text)):
            yield f"{name}: has no services"


def differences(live: Path, copy: Path, pulse: Callable[[], None]) -> tuple[str, ...]:
    """Tell how the live folder differs from a copy: names, kinds, owners, modes, targets of links, and lines of text.

    A line with `-` is what the copy holds, one with `+` what is live. Of files that may hold secrets the lines are not shown.
    """
    found = list[str]()
    for name in sorted({*_names(copy), *_names(live)}):
        pulse()
        found += _one(name, live / name, copy / name)
    more = [f"... and {len(found) - _LINES} lines more"] if len(found) > _LINES else []
    return (*found[:_LINES], *more)


def _names(folder: Path) -> Iterator[str]:
    for below, folders, files in os.walk(folder):
        yield from (str((Path(below) / name).relative_to(folder)) for name in (*folders, *files))


def _one(name: str, live: Path, copy: Path) -> list[str]:
    if not os.path.lexists(copy):
        return [f"+ {name}: live only"]
    if not os.path.lexists(live):
        return [f"- {name}: in the backup only"]
    was, now = copy.lstat(), live.lstat()
    told = [f"~ {name}: {what} {a}, and live {b}" for what, a, b in _marks(was, now) if a != b]
    if stat.S_ISLNK(was.st_mode) and stat.S_ISLNK(now.st_mode) and os.readlink(copy) != os.readlink(live):
        told.append(f"~ {name}: leads to {os.readlink(copy)}, and live to {os.readlink(live)}")
    if stat.S_ISREG(was.st_mode) and stat.S_ISREG(now.st_mode):
        told += _content(name, live, copy)
    return told


def _marks(was: os.stat_result, now: os.stat_result) -> Iterator[tuple[str, object, object]]:
    yield "mode", f"{stat.filemode(was.st_mode)}", f"{stat.filemode(now.st_mode)}"
    yield "owner", f"{was.st_uid}:{was.st_gid}", f"{now.st_uid}:{now.st_gid}"


def _content(name: str, live: Path, copy: Path) -> list[str]:
    old, new = _text(copy), _text(live)
    if old is not None and old == new:
        return []
    if old is None or new is None:
        same = _same_bytes(live, copy)
        return [] if same else [f"~ {name}: other bytes ({copy.stat().st_size}, and live {live.stat().st_size})"]
    if _may_hold_secrets(live) or _may_hold_secrets(copy):
        return [f"~ {name}: other values of {', '.join(_changed_keys(name, old, new)) or 'lines that are not shown'}"]
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), f"backup/{name}", f"live/{name}", lineterm="", n=1)
    return [_shown(line) for line in lines]


def _shown(line: str) -> str:
    """Blot out what follows a word for a secret, and the password of an address."""
    return _IN_ADDRESS.sub(r"\1***@", _AFTER_KEY.sub(r"\1***", line))


def _changed_keys(name: str, old: str, new: str) -> list[str]:
    """Name the keys whose values differ; the values themselves are never told."""
    try:
        was, now = ({pair.key: pair.value for pair in pairs(form_of(Path(name).name), text)} for text in (old, new))
    except Unparsed:
        return []
    return sorted(key for key in was.keys() | now.keys() if was.get(key) != now.get(key))


def _may_hold_secrets(path: Path) -> bool:
    """Take a file that others may not read, or that is called so, for one with secrets."""
    return not path.stat().st_mode & 0o077 or any(fnmatch(path.name.lower(), glob) for glob in _SECRET)


def _text(path: Path) -> str | None:
    try:
        content = read_bounded(path, _LARGEST)
        return None if b"\0" in content else content.decode()
    except (OSError, UnicodeDecodeError):
        return None


def _same_bytes(one: Path, other: Path) -> bool:
    if one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as left, other.open("rb") as right:
        while chunk := left.read(1 << 20):
            if chunk != right.read(1 << 20):
                return False
    return True
