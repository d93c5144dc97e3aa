"""A loop: what fails is told once and tried again, what hangs is seen, what breaks is seen."""

from __future__ import annotations

import threading

import pytest

from mainstay.model.errors import Unreachable
from mainstay.model.units import Duration
from mainstay.serve.loop import Loop
from tests.serve.served import until


def test_what_fails_is_told_once_and_tried_again_until_it_goes() -> None:
    tries: list[int] = []
    told: list[str] = []
    over = threading.Event()

    def once() -> None:
        tries.append(1)
        if len(tries) < 4:
            raise Unreachable("the other side is away")

    loop = Loop("notices", once, Duration(0.01), Duration(60))
    loop.start(over, told.append)
    until(lambda: len(tries) >= 5)
    over.set()
    assert told == ["notices: the other side is away"]
    assert (loop.trouble, loop.is_stuck) == ("", False)


def test_a_pass_that_does_not_come_back_is_stuck_until_it_does() -> None:
    free, over = threading.Event(), threading.Event()

    def once() -> None:
        free.wait()

    loop = Loop("slow", once, Duration(60), Duration(0.05))
    loop.start(over, print)
    until(lambda: loop.is_stuck)
    assert loop.is_alive
    free.set()
    until(lambda: not loop.is_stuck)
    over.set()
    until(lambda: not loop.is_alive)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_error_that_nobody_foresaw_ends_it() -> None:
    def once() -> None:
        raise KeyError("planted")

    loop = Loop("broken", once, Duration(60), Duration(60))
    loop.start(threading.Event(), print)
    until(lambda: not loop.is_alive)
