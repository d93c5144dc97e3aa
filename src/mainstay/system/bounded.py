"""A deadline for calls that have none of their own, such as name lookup and statvfs on a network file system."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TypeVar

from mainstay.model.errors import DeadlinePassed
from mainstay.model.units import Duration

T = TypeVar("T")


def within(limit: Duration, what: str, call: Callable[[], T]) -> T:
    """Return what `call` returns, or raise its OSError, or DeadlinePassed when it has not answered in time.

    A call that hangs in the kernel cannot be ended: its thread is left behind and does not keep the process alive.
    """
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(call())
        except OSError as error:
            answer.set_exception(error)

    threading.Thread(target=work, name=what, daemon=True).start()
    try:
        return answer.result(timeout=limit)
    except FutureTimeoutError as error:
        raise DeadlinePassed("no answer", on=what, because=f"nothing within {limit}") from error
