"""Work side by side: threads that run programs, while the thread that owns the work asks whether it has to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from threading import Event
from typing import Any, TypeVar

from mainstay.model.errors import Cancelled

T = TypeVar("T")
_POLL = 0.1  # seconds between two pulses


def side_by_side(jobs: Iterable[Callable[[], T]], at_once: int, stop: Event, pulse: Callable[[], None]) -> list[T]:
    """Do all jobs, `at_once` at a time and in their order, and return what they yield.

    The first that fails, or `pulse`, sets `stop`, by which the programs of all others are ended; then its error is raised.
    """
    with ThreadPoolExecutor(at_once) as pool, ExitStack() as failing:
        futures = [pool.submit(job) for job in jobs]
        failing.callback(pool.shutdown, wait=False, cancel_futures=True)
        failing.callback(stop.set)
        while (found := wait(futures, _POLL, FIRST_EXCEPTION)).not_done:
            _raise_failed(found.done)
            pulse()
        _raise_failed(found.done)
        failing.pop_all()
    return [future.result() for future in futures]


def _raise_failed(done: Iterable[Future[Any]]) -> None:
    """Raise what went wrong; that others were stopped because of it is no error of its own."""
    failed = [error for future in done if (error := future.exception())]
    for error in sorted(failed, key=lambda error: isinstance(error, Cancelled)):
        raise error
