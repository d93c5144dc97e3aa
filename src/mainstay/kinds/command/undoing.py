"""Whether a command could be taken back now: its undo can be started and read, and the files that it needs are there."""

from __future__ import annotations

from collections.abc import Iterator

from mainstay.kinds.command.settings import Argv, Settings
from mainstay.kinds.kind import Session
from mainstay.model.units import Duration

_WITHIN = Duration(10)
_SHELLS = ("sh", "bash", "dash", "ksh")
_FOUND = 'p=$(command -v -- "$1") && test -x "$p" && printf %s "$p"'
_SHEBANG = 'head -n 1 "$1" | grep -qE "^#!.*/(env +)?(sh|bash|dash|ksh)( |$)"'


def lacking(session: Session) -> Iterator[str]:
    """Yield what the undo of the command needs and is not there, where the command runs."""
    settings: Settings = session.target.settings
    if not settings.undo:
        return
    program = _said(session, "sh", "-c", _FOUND, "sh", settings.undo[0])
    if not program:
        yield f"{settings.undo[0]} is no program that can be started"
    elif problem := _unreadable(session, settings.undo, program):
        yield f"a shell cannot read it: {problem}"
    yield from (f"{path} is not there, or is empty" for path in settings.undo_needs if not _is_full(session, str(path)))


def _unreadable(session: Session, undo: Argv, program: str) -> str:
    """Return what is wrong with a shell script, a file or the words after -c; "" for anything else."""
    shell = program.rpartition("/")[2] in _SHELLS
    if shell and len(undo) > 2 and undo[1] == "-c":
        words: list[str] = [program, "-n", "-c", undo[2]]
    elif not shell and session.door.run(["sh", "-c", _SHEBANG, "sh", program], _WITHIN).code == 0:
        words = ["sh", "-n", program]
    else:
        return ""
    done = session.door.run(words, _WITHIN)
    return done.stderr.decode("utf-8", "replace").strip().splitlines()[-1] if done.code and done.stderr else ""


def _said(session: Session, *words: str) -> str:
    done = session.door.run(list(words), _WITHIN)
    return done.stdout.decode("utf-8", "replace").strip() if done.code == 0 else ""


def _is_full(session: Session, path: str) -> bool:
    """Tell whether a file has content, or a folder entries."""
    look = 'if test -d "$1"; then test -n "$(ls -A "$1")"; else test -s "$1"; fi'
    return session.door.run(["sh", "-c", look, "sh", path], _WITHIN).code == 0
