"""What is asked of every command, taken from the command line itself so that none can be forgotten."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import pytest
import typer

from mainstay.cli.commands import app
from tests.cli.shop import Shop

# A call of each command that reads, or that does something small in the folder of the test.
CALLS: dict[str, tuple[str, ...]] = {
    "init": ("other.yaml",),
    "check-config": ("--explain",),
    "schema": (),
    "doctor": (),
    "demo": ("--dir", "logs"),
    "status": (),
    "check": ("--full",),
    "why": ("logs.rotate",),
    "plan": ("daily",),
    "page": ("--output", "pages"),
    "windows": (),
    "ready": ("nightly",),
    "rehearse": ("db.optimize", "--dry-run"),
    "window add": ("launch", "--at", "2099-01-01 02:00", "--for", "2h", "--reason", "a new menu"),
    "window move": ("nobody", "--at", "2099-01-02 02:00"),
    "window cancel": ("nobody",),
    "blackout add": ("feast", "--for", "2h", "--reason", "we celebrate"),
    "blackout list": (),
    "blackout remove": ("nobody",),
    "run": ("mark.run",),
    "backup now": (),
    "backup list": (),
    "backup verify": ("--dry-run",),
    "backup prove": ("--dry-run",),
    "backup prune": ("--dry-run",),
    "backup copy": ("--dry-run",),
    "backup verify-copies": ("--dry-run",),
    "backup prune-copies": ("--dry-run",),
    "backup fetch": ("db", "--from", "second", "--key", "escrow.txt", "--dry-run"),
    "backup keys generate": ("--escrow", "escrow.txt"),
    "backup keys show": (),
    "backup keys drill": ("--with", "escrow.txt", "--dry-run"),
    "backup hold": ("--reason", "an audit"),
    "backup release": ("--reason", "it is over"),
    "backup approve": ("2026", "--as", "administrator", "--dry-run"),
    "backup show": (),
    "backup diff": ("db",),
    "backup drill": ("--dry-run",),
    "restore": ("db", "--into", "copy.db", "--dry-run"),
    "wal receive": ("nobody",),
    "wal push": ("nobody", "000000010000000000000001"),
    "logs rotate": ("--dry-run",),
    "logs report": (),
    "compat": ("performance-optimization",),
    "notify test": ("--dry-run",),
    "notify list": (),
    "notify send": (),
    "notify drill": ("--within", "1s"),
    "notify ack": ("ZZZZZZ",),
    "checklist list": (),
    "checklist show": ("opening",),
    "checklist answer": ("opening",),
    "checklist sign": ("opening",),
    "checklist export": ("opening",),
    "emergency open": ("--severity", "S3", "--reason", "slow since noon"),
    "emergency check": ("--since", "1d"),
    "emergency mode": ("on",),
    "emergency note": ("last", "it is the disk"),
    "emergency phase": ("last", "cause"),
    "emergency close": ("last", "--resolution", "went away", "--follow-up", "watch it"),
    "emergency done": ("last", "1"),
    "emergency list": (),
    "emergency show": (),
    "emergency report": (),
    "emergency fixes": (),
    "emergency fix": ("logs.rotate", "--dry-run"),
    "remind": (),
    "mode on": ("mark", "--for", "5m", "--reason", "a look"),
    "mode status": (),
    "mode off": ("mark",),
    "sign": ("last", "menu.sign"),
    "resume": ("last",),
    "cancel": ("last",),
    "rollback": ("last",),
    "settle": (),
    "serve": ("--for", "1s"),
    "ask": ("status",),
    "install": ("--dry-run",),
    "root": (),
    "runs": (),
    "show": (),
    "report": ("--daily",),
    "trends": (),
    "ledger verify": (),
    "ledger head": (),
    "ledger access": (),
    "ledger repair": (),
    "version": (),
}
ENDS = (0, 1, 2, 3, 4)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MARKS = re.compile(r"\x1b\[\??[0-9;]*[A-Za-z]")


def leaves(command: Any, before: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    names = command.list_commands(None) if hasattr(command, "list_commands") else []
    for name in names:
        yield from leaves(command.get_command(None, name), (*before, name))
    if not names:
        yield " ".join(before), command


LEAVES = dict(leaves(typer.main.get_command(app)))
COMMANDS = list(LEAVES)
every = pytest.mark.parametrize("command", COMMANDS)


def called(command: str) -> list[str]:
    return [*command.split(), *CALLS[command]]


def on_terminal(shop: Shop, words: list[str], **environment: str) -> str:
    """Return all that a command shows on a terminal of 80 columns."""
    leader, follower = pty.openpty()
    more = {"TERM": "xterm", **environment}
    with shop.start(*words, stdin=follower, stdout=follower, stderr=follower, env=more, start_new_session=True) as process:
        os.close(follower)
        shown = b"".join(iter(lambda: _read(leader), b""))
        process.wait(timeout=60)
    os.close(leader)
    return shown.decode()


def _read(leader: int) -> bytes:
    if not select.select([leader], [], [], 60)[0]:
        return b""
    try:
        return os.read(leader, 65536)
    except OSError:
        return b""  # Linux says EIO when the last process has closed the terminal


def test_every_command_has_a_call_here() -> None:
    assert set(COMMANDS) == set(CALLS)


@every
def test_help_has_a_paragraph_and_an_example_within_80_columns(command: str, kept: Shop) -> None:
    shown = kept.run(*command.split(), "--help")
    assert f"\n  mainstay {command}" in shown
    assert max(len(line) for line in shown.splitlines() if not line.startswith("  mainstay ")) <= 80


@every
def test_without_a_terminal_nothing_is_asked_and_nothing_is_coloured(command: str, shop: Shop) -> None:
    with shop.start(*called(command)) as process:
        output, errors = process.communicate(timeout=60)
    assert process.returncode in ENDS
    assert "\x1b" not in output + errors
    assert "Traceback" not in errors


@every
def test_a_reader_who_goes_away_is_no_error(command: str, shop: Shop) -> None:
    gone, end = os.pipe()
    os.close(gone)
    with shop.start(*called(command), stdout=end) as process:
        os.close(end)
        _, errors = process.communicate(timeout=60)
    assert process.returncode in ENDS
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors


@every
def test_80_columns_are_enough_and_no_color_means_none(command: str, shop: Shop) -> None:
    shown = on_terminal(shop, called(command), NO_COLOR="1")
    assert not COLOUR.search(shown)
    wide = [line for line in re.split(r"[\r\n]+", MARKS.sub("", shown)) if len(line) > 80]
    assert not wide or command in UNFOLDED, wide


def test_on_a_terminal_there_is_colour_unless_no_color_is_given(kept: Shop) -> None:
    assert COLOUR.search(on_terminal(kept, ["status"]))
    assert not COLOUR.search(on_terminal(kept, ["--no-color", "status"]))


# What is printed to be piped or copied is not folded: JSON, settings, digests, paths, errors.
UNFOLDED = {
    "schema",
    "check-config",
    "ledger verify",
    "ledger repair",
    "init",
    "page",
    "demo",
    "cancel",
    "backup list",
    "backup show",
    "backup hold",
    "backup release",
    "restore",
    "serve",
    "ask",
    "install",
}


@every
def test_ctrl_c_ends_it_quietly(command: str, shop: Shop) -> None:
    with shop.start(*called(command), start_new_session=True) as process:
        if _at_work(process):
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode in (*ENDS, 130, -signal.SIGINT)
    assert "Traceback" not in errors


def _at_work(process: subprocess.Popen[str]) -> bool:
    """Wait until a command has used enough of the CPU to have been imported, however busy the machine is; False when it ended."""
    while process.poll() is None:
        with suppress(psutil.NoSuchProcess):
            if sum(psutil.Process(process.pid).cpu_times()[:2]) > 0.2:
                return True
        time.sleep(0.01)
    return False
