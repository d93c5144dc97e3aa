"""Programs whose output or input is a stream: a pipe between them, and no file, so that it works in a container as well."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import IO, BinaryIO

from mainstay.system import clock
from mainstay.system.process import Completed

_WIDE = 1 << 20  # bytes of a pipe, and of one read: few switches between two processes
_FILLING = 0.001  # seconds until there is more in a pipe than one row: programs print in small pieces, and each would wake us

Run = Callable[[IO[bytes]], Completed]  # runs a program with one end of a pipe


def pour(run: Run, into: BinaryIO) -> tuple[Completed, int]:
    """Write what a program prints into a stream, and count its bytes. When that fails, SIGPIPE ends the program, and its error
    is raised.
    """
    (read, write), printed, buffer = _pipe(), 0, memoryview(bytearray(_WIDE))
    with _beside(run, write) as running:
        with read:
            while length := os.readv(read.fileno(), [buffer]):
                into.write(buffer[:length])
                printed += length
                clock.sleep(_FILLING)
        return running.result(), printed


def feed(run: Run, pieces: Iterator[bytes]) -> Completed:
    """Let a program read pieces. When they fail, their error is raised; the end that the program then sees is none to it.

    A program that ends before it has read all is asked for its exit code as any other.
    """
    read, write = _pipe()
    with _beside(run, read) as running:
        with write, suppress(BrokenPipeError):
            for piece in pieces:
                _written(write.fileno(), piece)
        return running.result()


def read_all(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield a stream in large pieces."""
    while piece := stream.read(_WIDE):
        yield piece


@contextmanager
def _beside(run: Run, end: IO[bytes]) -> Iterator[Future[Completed]]:
    """Run a program in a second thread, which closes our copy of its end of the pipe when it is over."""

    def ran() -> Completed:
        with end:
            return run(end)

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(ran)


def _written(fd: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(fd, view) :]


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    read, write = os.pipe()
    with suppress(PermissionError):  # the user's pipes are as wide as they may be in all
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _WIDE)
    return os.fdopen(read, "rb", buffering=_WIDE), os.fdopen(write, "wb", buffering=0)
