"""The asking end of the service's socket."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from mainstay.model.errors import ConfigError, Refused, Unreachable
from mainstay.model.task import Site
from mainstay.model.units import Duration, Size
from mainstay.report import terminal

INSTALLED = Path("/run/mainstay/serve.sock")
_MOST, _PATIENCE = Size(1_000_000), Duration(24 * 3600)  # of an answer's part; a run may be silent for long


def place() -> Path:
    """Return where the service listens, as far as the configuration can be read, else where an installed one does."""
    from mainstay.cli import call
    from mainstay.config.outline import outline

    try:
        return of(outline(call.configuration()))
    except ConfigError:
        return INSTALLED


def of(site: Site) -> Path:
    """Return where the service of a site listens: where it is told to, or installed, or in its state folder."""
    if site.serve.socket:
        return site.serve.socket
    own = site.state / "serve.sock"
    return own if os.access(own, os.F_OK) or not INSTALLED.exists() else INSTALLED


def closed_to_me(site: Site) -> bool:
    """Return whether the state folder is there, and another user's."""
    return os.access(site.state, os.F_OK) and not os.access(site.state, os.R_OK | os.W_OK | os.X_OK)


def require_open(site: Site) -> None:
    """Refused where the state folder is another user's; for what the service is not asked for."""
    if closed_to_me(site):
        raise Refused(
            "the state folder is closed to you", on=str(site.state), next="call it as the user of the service, or as root"
        )


def instead(site: Site) -> None:
    """Where the state folder is another user's, ask the service for this very call, and exit as it does."""
    if closed_to_me(site):
        raise typer.Exit(ask(of(site), _own_words(sys.argv[1:])))


def ask(where: Path, words: Sequence[str]) -> int:
    """Print what the service answers, and return the exit code."""
    from mainstay.system import unix

    because = "it closed before it had answered"
    with unix.connected(where) as way:
        try:
            unix.send(way, {"words": list(words), "columns": shutil.get_terminal_size().columns})
            for part in unix.receive(way, _MOST, _PATIENCE):
                terminal.put(str(part.get("out", "")), sys.stdout)
                if "error" in part:
                    terminal.put(f"error: {part['error']}\n", sys.stderr)
                if "code" in part:
                    return int(part["code"])
        except (OSError, ValueError) as error:
            because = str(error)
    raise Unreachable("the service went away", on=str(where), because=because, next="mainstay status")


def _own_words(words: Sequence[str]) -> list[str]:
    """Return the words of a call without the global options, which are the service's own."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in ("--config", "-c") and rest:
            rest.pop(0)
    return rest
