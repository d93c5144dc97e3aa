"""Call nginx: test the configuration, read it as nginx does, load it anew."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

from mainstay.kinds.kind import Session
from mainstay.kinds.nginx import include, outside
from mainstay.kinds.nginx.facts import Configuration
from mainstay.kinds.nginx.settings import Settings
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration, Size
from mainstay.system.clock import Deadline
from mainstay.system.files import read_bounded
from mainstay.system.process import legible

_WITHIN = Duration(30)
_IN_A_ROW = 5
_LARGEST = Size(1 << 16)
_NOT_RUNNING = re.compile("invalid PID number|No such (process|file)")
_INCLUDE = re.compile(r"\binclude\s+([^;\s]+)\s*;")
_SERVER = re.compile(r"^\s*server\s*\{", re.MULTILINE)


def look(session: Session) -> Configuration:
    """Return both files, what the test of the configuration says, and how many server blocks include the switch."""
    settings: Settings = session.target.settings
    done = session.door.run([*settings.command, "-T"], _WITHIN)
    text = legible(done.stdout)
    included = [pattern for pattern in _INCLUDE.findall(text) if _names(pattern, settings.include.name)]
    problem = "" if not done.code else complaint(legible(done.stderr)) or f"exit code {done.code}"
    files = read(settings.http_include), read(settings.include)
    loaded = outside.loaded(settings, session.target.name)
    return Configuration(*files, problem, len(_SERVER.findall(text)), len(included), loaded)


def test(session: Session) -> str:
    """Return what the test says against the configuration, "" when it passes."""
    settings: Settings = session.target.settings
    done = session.door.run([*settings.command, "-t"], _WITHIN)
    return complaint(legible(done.stderr)) or f"exit code {done.code}" if done.code else ""


def reload(session: Session, *, if_running: bool = False) -> None:
    """Let nginx load its configuration anew; workers end their requests first."""
    settings: Settings = session.target.settings
    done = session.door.run([*settings.command, "-s", "reload"], _WITHIN)
    if not (if_running and done.code and _NOT_RUNNING.search(legible(done.stderr))):
        done.require("nginx does not load its configuration")


def heard(session: Session, deadline: Deadline) -> str:
    """Wait until nginx tells the version that the files have, a few times in a row; say so when that was not seen.

    Workers of before answer for a moment more. Nothing is seen where no server block of the public URLs includes the switch.
    """
    settings: Settings = session.target.settings
    wanted = {version for version in [include.version_in(read(settings.include))] if version}
    if not look(session).includes:
        return "no server block includes the switch yet"

    def missing() -> str:
        return "" if set(outside.loaded(settings, session.target.name)) == wanted else "nginx was not seen to have loaded it"

    return next((why for _ in range(_IN_A_ROW) if (why := outside.until(session, deadline, missing))), "nginx has loaded it")


def read(path: Path) -> str | None:
    """Return the content of a file, None when there is none."""
    try:
        return read_bounded(path, _LARGEST).decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StepFailed("a file of nginx cannot be read", on=str(path), because=error.strerror or str(error)) from error


def _names(pattern: str, name: str) -> bool:
    """Tell whether an include means that very file: by its name, of which a bracket may make a pattern that may find nothing."""
    return "*" not in pattern and fnmatch(name, Path(pattern).name)


def complaint(text: str) -> str:
    """Return the first thing that nginx complains of."""
    lines = [line.strip() for line in text.splitlines() if "[emerg]" in line] or text.strip().splitlines()
    return re.sub(r"^(nginx: )?\[emerg\] ", "", lines[0]) if lines else ""
