"""What else runs here, seen by looking only: listening ports, Compose files, crontabs.

No link is followed, no content is read but that of crontabs, and every list ends at a bound.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from mainstay.config.mistakes import masked
from mainstay.model.units import Size
from mainstay.system.files import read_bounded

_MOST = 200  # entries of a folder, and lines of a note
_CRONTAB = Size(64_000)
_COMPOSE = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_PORTS = {
    80: "nginx",
    443: "nginx",
    7474: "neo4j",
    7687: "neo4j",
    2375: "docker",
    2376: "docker",
}


@dataclass(frozen=True)
class Note:
    """Something that was seen: what it is, the kind that would maintain it ("" = none), and lines worth keeping."""

    what: str
    kind: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Roots:
    """Where to look: the root of the file system, and folders that may hold Compose files or folders with them."""

    system: Path = Path("/")
    projects: tuple[Path, ...] = (Path("/opt"), Path("/srv"), Path("/home"), Path("/root"))


def surroundings(roots: Roots) -> list[Note]:
    """Return what was seen on this host."""
    return [*_listeners(), *_compose(roots.projects), *_crontabs(roots.system)]


def local_timezone(system: Path = Path("/")) -> str:
    """Return the zone that /etc/localtime points to; UTC when it says nothing."""
    link = system / "etc/localtime"
    _, found, zone = str(link.readlink()).partition("zoneinfo/") if link.is_symlink() else ("", "", "")
    return zone if found else "UTC"


def _listeners() -> Iterator[Note]:
    found: dict[int, tuple[str, int | None]] = {}
    for one in psutil.net_connections("tcp"):
        if one.status == psutil.CONN_LISTEN and one.laddr:
            found.setdefault(one.laddr.port, (one.laddr.ip, one.pid))
    for port, (address, pid) in itertools.islice(sorted(found.items()), _MOST):
        yield Note(f"port {port} on {address}{_process(pid)}", _PORTS.get(port, ""))


def _process(pid: int | None) -> str:
    try:
        return f": {psutil.Process(pid).name()}" if pid else ""
    except psutil.Error:  # it ended, or belongs to somebody else
        return ""


def _compose(projects: tuple[Path, ...]) -> Iterator[Note]:
    for project in projects:
        for folder in (project, *_entries(project)):
            for name in _COMPOSE:
                if not folder.is_symlink() and _is_file(folder / name):
                    yield Note(f"Compose file {folder / name}", "docker")


def _crontabs(system: Path) -> Iterator[Note]:
    for path in (system / "etc/crontab", *_entries(system / "etc/cron.d"), *_entries(system / "var/spool/cron/crontabs")):
        if _is_file(path) and (lines := _jobs(path)):
            yield Note(f"crontab {path}", "", lines)


def _jobs(path: Path) -> tuple[str, ...]:
    """Return the lines of a crontab that start something; none when it may not be read."""
    try:
        text = read_bounded(path, _CRONTAB).decode("utf-8", "replace")
    except OSError:
        return ()
    lines = (line.strip() for line in text.splitlines())
    jobs = (masked(line) for line in lines if line and line[0] in "@*0123456789")
    return tuple(itertools.islice(jobs, _MOST))


def _entries(folder: Path) -> list[Path]:
    """Return the first entries of a folder; none when it is a link, is not there, or may not be listed."""
    try:
        return [] if folder.is_symlink() else sorted(itertools.islice(folder.iterdir(), _MOST))
    except OSError:
        return []


def _is_file(path: Path) -> bool:
    try:
        return path.is_file() and not path.is_symlink()
    except OSError:
        return False
