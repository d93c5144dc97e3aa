"""Commands at the ends of a stream: what they print and what they read moves piece by piece, and lies nowhere in between."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event
from typing import IO, BinaryIO

from mainstay.kinds.command.settings import Argv
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration, Size
from mainstay.system import secrets
from mainstay.system.process import Completed, Door, legible
from mainstay.vault.store import Work

_PIECE, _POLL = 1 << 18, 0.1
_ANSWER = Size(16 << 20)  # bytes that an answer which is no stream may have


@dataclass(frozen=True)
class Call:
    """A command that is about to run: where, with what in its environment, how long, and whose secrets to mask."""

    door: Door
    argv: Argv
    environment: dict[str, str]
    deadline: Duration
    known: list[secrets.Secret] = field(default_factory=list)

    def printed(self, work: Work) -> Iterator[bytes]:
        """Yield what it prints; an error unless it ends with 0."""
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb", 0) as ours, self._running(stdout=os.fdopen(writing, "wb", 0)) as running:
            yield from _pieces(ours.fileno(), running, work)
            self._require(running, work)

    def read(self, stream: BinaryIO, work: Work) -> None:
        """Let it read a stream to the end, or to where it wants no more; an error unless it ends with 0."""
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb", 0) as ours, self._running(stdin=os.fdopen(reading, "rb", 0)) as running:
            os.set_blocking(writing, False)
            _feed(ours.fileno(), stream, running, work)
            ours.close()
            self._require(running, work)

    def answered(self, work: Work) -> str:
        """Return all that it prints, which is little."""
        with self._running() as running:
            done = self._require(running, work)
        if done.cut:
            raise StepFailed("a command prints too much", on=self.argv[0], because=f"more than {_ANSWER}")
        return legible(done.stdout)

    @contextmanager
    def _running(self, *, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None) -> Iterator[Future[Completed]]:
        """Run it in a thread; it is ended with the block, and its end of a pipe is closed when it has ended."""
        over = Event()
        door = replace(self.door, stop=over.is_set, keep=_ANSWER)

        def run() -> Completed:
            try:
                return door.run(self.argv, self.deadline, env=self.environment, stdin=stdin, stdout=stdout)
            finally:
                for end in filter(None, (stdin, stdout)):
                    end.close()

        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(run)
            try:
                yield running
            finally:
                over.set()

    def _require(self, running: Future[Completed], work: Work) -> Completed:
        while not wait([running], _POLL).done:
            work.pulse()
        done = running.result()
        if done.code:
            said = secrets.redact(" | ".join(legible(done.stderr).strip().splitlines()[-3:]), self.known)
            because = f"exit code {done.code}" + (f": {said[:300]}" if said else "")
            raise StepFailed("a command of the backup failed", on=self.argv[0], because=because, next="run it by hand")
        return done


def _pieces(pipe: int, running: Future[Completed], work: Work) -> Iterator[bytes]:
    """Yield until the command has closed the pipe, or has ended: a descendant that keeps it open is not waited for."""
    while True:
        work.pulse()
        over = running.done()
        if select.select([pipe], [], [], 0 if over else _POLL)[0]:
            if not (piece := os.read(pipe, _PIECE)):
                return
            yield piece
        elif over:
            return


def _feed(pipe: int, stream: BinaryIO, running: Future[Completed], work: Work) -> None:
    while piece := stream.read(_PIECE):
        left = memoryview(piece)
        while left:
            work.pulse()
            if running.done():
                return
            if select.select([], [pipe], [], _POLL)[1]:
                try:
                    left = left[os.write(pipe, left) :]
                except BrokenPipeError:
                    return
