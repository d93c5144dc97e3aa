"""A command that is a suite of tests: the reports it has written, and whether it may be run where it would be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from glob import glob
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mainstay.kinds.command import junit
from mainstay.kinds.command.junit import Failing, Malformed, Suite
from mainstay.kinds.command.settings import Settings
from mainstay.kinds.kind import Session
from mainstay.model.codec import encode
from mainstay.model.errors import ConfigError, StepFailed
from mainstay.model.units import Size
from mainstay.system import secrets
from mainstay.system.files import read_bounded
from mainstay.system.process import legible

_LARGEST = Size(64 << 20)
_PORTS = {"postgresql": "5432", "postgres": "5432", "redis": "6379", "http": "80", "https": "443"}
Marks = Mapping[Path, tuple[int, int, int]]  # what tells one writing of a file from the next: inode, time, size


def reports(session: Session) -> Marks:
    """Return the reports that lie there now; ConfigError where they could not be read afterwards."""
    settings: Settings = session.target.settings
    if not settings.junit:
        return {}
    if session.door.place.container:
        raise ConfigError("`junit` is read on this host, and the command runs in a container", next="write it to a shared folder")
    found = (Path(name) for name in sorted(glob(os.path.join(settings.cwd or "/", settings.junit), recursive=True)))
    return {path: _mark(path) for path in found if path.is_file()}


def judge(session: Session, before: Marks, code: int) -> None:
    """Read what the suite has written, keep the counts, and raise StepFailed when it did not pass, or nobody can tell."""
    settings: Settings = session.target.settings
    if not settings.junit:
        return
    after = reports(session)
    ended = f"; exit code {code}" if code else ""
    if not after:
        raise StepFailed("no report of the tests", on=settings.junit, because=f"no such file was written{ended}")
    if stale := [str(path) for path, mark in after.items() if before.get(path) == mark]:
        next = "remove it before, or name only the files that this suite writes"
        raise StepFailed("a report is not of this run", on=stale[0], because=f"it was there before, unchanged{ended}", next=next)
    suite = Suite()
    for path in after:
        suite = suite.plus(_read(path))
    known = session.connection.known
    session.connection.suite = _masked(suite, known)
    session.output.append("\n".join([str(suite), *(_line(one) for one in session.connection.suite.failing)]))
    if not suite.passed:
        because = f"{suite}{ended}" if suite.tests else f"no test was run{ended}"
        raise StepFailed(
            "the tests did not pass", on=settings.program, because=because, next="its output names those that failed"
        )


def live(session: Session) -> str:
    """Return what of the environment of a destructive suite is a target of this site, "" when nothing of it is."""
    settings: Settings = session.target.settings
    if not settings.destructive:
        return ""
    given = {name: _address(value) for name, value in session.connection.environment().items()}
    for name, target in session.targets.items():
        if name == session.target.name:
            continue
        for path, text in _texts("", encode(target.settings)):
            same = [variable for variable, address in given.items() if address and address == _address(text)]
            if same:
                return f"{same[0]} is {path} of {name} ({target.origins.get(path) or target.origin})"
    return ""


def _read(path: Path) -> Suite:
    try:
        return junit.read(read_bounded(path, _LARGEST))
    except OSError as error:
        raise StepFailed("a report of the tests cannot be read", on=str(path), because=error.strerror or str(error)) from error
    except Malformed as error:
        raise StepFailed("no report of the tests", on=str(path), because=str(error)) from error


def _masked(suite: Suite, known: list[secrets.Secret]) -> Suite:
    def clean(text: str) -> str:
        return " ".join(legible(secrets.redact(text, known).encode("utf-8", "replace")).split())

    return replace(suite, failing=tuple(Failing(clean(one.name), one.how, clean(one.message)) for one in suite.failing))


def _line(one: Failing) -> str:
    return f"{one.how}: {one.name}: {one.message}"


def _mark(path: Path) -> tuple[int, int, int]:
    seen = path.stat()
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def _address(text: str) -> str:
    """Return what an address or an absolute path leads to, whoever logs in; "" for any other text."""
    if text.startswith("/") and len(text) > 1:
        return os.path.normpath(text)
    parts = urlsplit(text) if "://" in text else None
    if parts is None or not parts.netloc:
        return ""
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
    written = parts.netloc.rpartition(":")[2]
    port = written if written.isdecimal() else _PORTS.get(parts.scheme.partition("+")[0], "")
    return f"{host}:{port}{parts.path.rstrip('/')}"


def _texts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(f"{path}.{key}" if path else str(key), item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(path, item)
    elif isinstance(value, str) and not path.endswith("file"):  # certificates and keys are shared
        yield path, value
