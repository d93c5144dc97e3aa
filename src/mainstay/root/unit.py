"""Answer one connection: who is there says the kernel, what may be done says a configuration that is root's alone."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mainstay.engine.by_root import Question
from mainstay.engine.context import Context
from mainstay.kinds import registry
from mainstay.ledger.journal import Journal
from mainstay.ledger.samples import Samples
from mainstay.model.codec import decode
from mainstay.model.errors import MainstayError, Refused
from mainstay.model.units import Duration, Size
from mainstay.root import errand, trust
from mainstay.system import unix
from mainstay.system.unix import Peer

MOST = Size(16_000_000)  # of a question
WITHIN = Duration(20)  # for a question, and for each part of an answer


def answer(way: socket.socket, file: Path, user: str, state: Path) -> str:
    """Answer the one question of a connection, and return a line about it; "" when nothing was asked."""
    who = unix.peer(way)
    try:
        said = next(unix.receive(way, MOST, WITHIN), None)
        if said is None:
            return ""
        way.settimeout(WITHIN)
        answered, told = _answered(said, who, user, lambda asked: _done(asked, way, file, state))
        unix.send(way, answered)
    except (OSError, ValueError) as error:
        return f"{who.name}: no conversation: {error}"
    return told


def _answered(
    said: dict[str, Any], who: Peer, user: str, done: Callable[[Question], dict[str, Any]]
) -> tuple[dict[str, Any], str]:
    try:
        if who.uid != 0 and who.name != user:
            raise Refused("only the service may ask here", on=who.name, because=f"it runs as {user}")
        asked = _question(said)
        found = done(asked)
    except MainstayError as error:
        return {"error": errand.told(error)}, f"{who.name}: {error}"
    step = f" {asked.step.id}" if asked.step else ""
    return found, f"{who.name}: {asked.do} {asked.task}{step}{f' for run {asked.run}' if asked.run else ''}"


def _question(said: dict[str, Any]) -> Question:
    try:
        return decode(Question, said)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused("what was sent is no question", because=str(error)) from error


def _done(asked: Question, way: socket.socket, file: Path, state: Path) -> dict[str, Any]:
    """Do it, by a configuration that is root's alone and with a ledger of our own."""
    context = Context(replace(trust.site(file), state=state), Journal(state), Samples(state), registry.load)
    return errand.do(context, asked, partial(unix.is_hung_up, way))
