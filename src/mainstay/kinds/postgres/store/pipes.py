"""Programs whose output or input is a stream: a pipe between them, and no file, so that it works in a container as well."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event
from typing import IO, BinaryIO

from mainstay.system.process import Completed

_WIDE = 1 << 20  # bytes of a pipe, and of one read: few switches between two processes

Run = Callable[[IO[bytes]], Completed]  # runs a program with one end of a pipe


def pour(run: Run, into: BinaryIO) -> Completed:
    """Write what a program prints into a stream. A stream that fails ends the program by SIGPIPE, and its error is the one raised."""
    read, write = _pipe()
    with _beside(run, write) as running:
        with read:
            while chunk := os.read(read.fileno(), _WIDE):
                into.write(chunk)
        return running.result()


def feed(run: Run, pieces: Iterator[bytes], given_up: Event) -> Completed:
    """Let a program read pieces. When they fail, `given_up` is set before the program sees an end: it must not take it for one.

    A program that ends before it has read all is asked for its exit code as any other.
    """
    read, write = _pipe()
    with _beside(run, read) as running:
        with write, suppress(BrokenPipeError), _noted(given_up):
            for piece in pieces:
                _written(write.fileno(), piece)
        return running.result()


def read_all(stream: BinaryIO) -> Iterator[bytes]:
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


@contextmanager
def _noted(given_up: Event) -> Iterator[None]:
    """Set the event when the block ends with an error of the stream; a closed pipe is the program's affair."""
    done = False
    try:
        yield
        done = True
    except BrokenPipeError:
        done = True
        raise
    finally:
        if not done:
            given_up.set()


def _written(fd: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(fd, view) :]


def _pipe() -> tuple[IO[bytes], IO[bytes]]:
    read, write = os.pipe()
    with suppress(PermissionError):  # the user's pipes are as wide as they may be in all
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, _WIDE)
    return os.fdopen(read, "rb", buffering=0), os.fdopen(write, "wb", buffering=0)
