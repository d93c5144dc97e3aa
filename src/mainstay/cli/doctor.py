"""The self-check: does Mainstay itself stand on firm ground?"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mainstay.cli import call
from mainstay.cli.call import Json
from mainstay.model.because import Finding, Level, because
from mainstay.model.errors import MainstayError
from mainstay.model.units import Size
from mainstay.system import clock, files

if TYPE_CHECKING:
    from mainstay.app import App
    from mainstay.model.task import Site

app = call.command()
ROOM = Size(100_000_000)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check Mainstay itself: files, modes, room, clock, journal.

    Configuration and state folder, their owners and modes, the file system, needed programs, and the journal's chain. Nothing
    of what is maintained is looked at; that is `mainstay check`. Exits with 1 when something has to be mended.

    \b
    mainstay doctor
    mainstay doctor --json
    """
    from mainstay.report import screens

    found = list(examine(call.opened()))
    worst = max(one.level for one in found)
    if as_json:
        call.show_json("doctor/1", {"level": worst, "findings": found})
    else:
        call.show(screens.findings("Mainstay itself", found))
    raise typer.Exit(int(worst >= Level.CRITICAL))


def examine(app: App) -> Iterator[Finding]:
    """Yield what was found, well or not."""
    site = app.site
    for file in site.files:
        yield _mode(file, 0o022, "others could change what is run; chmod go-w", os.geteuid())
    try:
        yield from _journal(app)
    except MainstayError as error:
        yield Finding(Level.CRITICAL, "journal", because(error.what, error.because or None), error.next)
    if site.state.is_dir():
        yield from _state(site.state)
    yield from _programs(site)


def _state(state: Path) -> Iterator[Finding]:
    kind, room = files.filesystem(state), files.room(state)
    yield Finding(Level.CRITICAL if kind in files.NETWORK else Level.OK, str(state), because("file system", kind))
    level = Level.CRITICAL if room.free < ROOM or not room.inodes_free else Level.OK
    yield Finding(level, str(state), because("free space", room.free, "<" if level else ">=", ROOM), "make room" if level else "")
    owner = os.geteuid() or state.stat().st_uid  # root looks after what is the service's
    for path in (state, *sorted(state.glob("*.db"))):
        yield _mode(path, 0o077, "for its owner alone; chmod go-rwx", owner)


def _mode(path: Path, forbidden: int, advice: str, owner: int) -> Finding:
    """Judge who may write or read a file."""
    found = path.stat()
    mode = stat.S_IMODE(found.st_mode)
    mine = found.st_uid in (owner, 0)
    level = Level.CRITICAL if mode & forbidden or not mine else Level.OK
    other = "" if mine else f", owned by user {found.st_uid}"
    return Finding(level, str(path), because("mode", f"{mode:04o}{other}"), f"{advice} {path}" if level else "")


def _journal(app: App) -> Iterator[Finding]:
    events, newest, now = app.journal.verify(), app.journal.newest(), clock.now()
    yield Finding(Level.OK, "journal", because("events whose chain holds", events))
    if newest and newest > now:
        reason = because("newest event lies in the future", f"{newest:%Y-%m-%d %H:%M:%S} UTC")
        yield Finding(Level.CRITICAL, "clock", reason, "set the clock; nothing is started or pruned before")


def _programs(site: Site) -> Iterator[Finding]:
    """Look for the program that reaches containers, where a target runs in one."""
    inside = [target.name for target in site.targets.values() if target.place.container]
    if inside:
        path = shutil.which("docker")
        level = Level.OK if path else Level.CRITICAL
        reason = because(f"needed by {', '.join(inside)}", path or "not found on PATH")
        yield Finding(level, "docker", reason, "" if path else "install it, or correct runs_in")
