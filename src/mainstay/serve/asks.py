"""The socket through which other users of this machine ask: who they are says the kernel, what they may says `access:`."""

from __future__ import annotations

import codecs
import os
import socket
import threading
from collections import Counter
from typing import Any

from mainstay.ledger import events
from mainstay.model.errors import MainstayError, Refused
from mainstay.model.units import Duration, Size
from mainstay.serve import rights, words
from mainstay.serve.common import Common
from mainstay.serve.words import Asked
from mainstay.serve.workers import Reader
from mainstay.system import clock, unix
from mainstay.system.children import Child
from mainstay.system.unix import Peer

AT_ONCE, OF_ONE = 64, 6  # conversations: in all, and with one user who is neither root nor the service's own
MOST = Size(32_000)  # of a question
WITHIN = Duration(5)  # for a question, and for each part of an answer
LOOKING = Duration(120)  # how long a child may take that is no run
REFUSALS = Duration(60)  # one of each user and command is journaled in that time, with the number of the others
_TICK = 0.5


class Asks:
    """Answers whoever connects, each in a thread of its own; who talks too slowly or too much is hung up on."""

    def __init__(self, common: Common, way: socket.socket) -> None:
        self._common, self._way = common, way
        way.settimeout(_TICK)
        self._talking: Counter[int] = Counter()
        self._counting = threading.Lock()
        self._refused: dict[tuple[int, str], clock.Deadline] = {}
        self._unwritten: Counter[tuple[int, str]] = Counter()

    def once(self) -> None:
        """Take the next one who connects, if anybody does."""
        try:
            way, _ = self._way.accept()
            peer = unix.peer(way)
        except (TimeoutError, ConnectionAbortedError):
            return
        most = AT_ONCE if rights.is_trusted(peer) else OF_ONE
        if sum(self._talking.values()) >= AT_ONCE or self._talking[peer.uid] >= most:
            with way:
                _sent(way, {"error": "too many are asking\n  next: try again", "code": Refused.exit_code})
            return
        with self._counting:
            self._talking[peer.uid] += 1
        threading.Thread(target=self._talk, args=(way, peer), daemon=True).start()

    def _talk(self, way: socket.socket, peer: Peer) -> None:
        try:
            with way:
                question = next(unix.receive(way, MOST, WITHIN), {})
                way.settimeout(WITHIN)
                self._answer(way, peer, question)
        except (ValueError, OSError):
            return  # what was sent is no question, or nobody reads the answer
        finally:
            with self._counting:
                self._talking[peer.uid] -= 1

    def _answer(self, way: socket.socket, peer: Peer, question: dict[str, Any]) -> None:
        try:
            self._do(way, peer, self._allowed(peer, question.get("words")), question)
        except MainstayError as error:
            _sent(way, {"error": str(error), "code": error.exit_code})

    def _allowed(self, peer: Peer, said: Any) -> Asked:
        """Return what is asked for when that is something, and this one may; what acts, and what is refused, is journaled."""
        site = self._common.app.site
        asked = words.read(said, site)
        try:
            rights.require(asked.right, peer, site.access)
        except Refused as error:
            self._remember_refusal(peer, said, error)
            raise
        if asked.right != "look":
            self._write(events.ACCESS_GRANTED, peer, said)
        return asked

    def _do(self, way: socket.socket, peer: Peer, asked: Asked, question: dict[str, Any]) -> None:
        """Start the command and pass on what it prints; it goes on when nobody listens any more."""
        out, into = os.pipe()
        columns = question.get("columns")
        reader = Reader(into, columns if isinstance(columns, int) and 20 <= columns <= 500 else 80)
        with os.fdopen(out, "rb", buffering=0) as printed:
            try:
                child = self._start(peer, asked, reader)
            finally:
                os.close(into)
            listens, letters = True, codecs.getincrementaldecoder("utf-8")("replace")
            while part := printed.read(65536):
                listens = listens and _sent(way, {"out": letters.decode(part)})
        while (code := self._common.workers.ended(child)) is None:
            clock.sleep(0.02)
        _sent(way, {"code": code if code >= 0 else 128 - code})

    def _start(self, peer: Peer, asked: Asked, reader: Reader) -> Child:
        workers, site = self._common.workers, self._common.app.site
        argv = self._common.words(*asked.argv(peer.name))
        if asked.name == "run":
            child = workers.start(f"run {asked.places[0]}", argv, most=site.serve.runs_at_once, to=reader)
        else:
            within = None if asked.name == "sign" else LOOKING  # a signed run goes on at once
            child = workers.start(f"{asked.name} {threading.get_ident()}", argv, within=within, to=reader)
        if child is None:
            because = "it is under way, or as many runs as may be at once are"
            raise Refused("not now", on=" ".join(asked.places), because=because, next="mainstay status")
        return child

    def _remember_refusal(self, peer: Peer, said: Any, error: Refused) -> None:
        """Journal it, but not every one of somebody who keeps asking: the journal is kept for ever."""
        name = (peer.uid, said[0])
        last = self._refused.get(name)
        if last and last.left:
            self._unwritten[name] += 1
        else:
            self._refused[name] = clock.Deadline(REFUSALS)
            self._write(events.ACCESS_REFUSED, peer, said, because=str(error), unwritten=self._unwritten.pop(name, 0))

    def _write(self, kind: str, peer: Peer, said: list[str], **more: object) -> None:
        self._common.app.journal.append(kind, {"by": peer.name, "uid": peer.uid, "words": said, **more})


def _sent(way: socket.socket, value: dict[str, Any]) -> bool:
    try:
        unix.send(way, value)
    except OSError:
        return False
    return True
