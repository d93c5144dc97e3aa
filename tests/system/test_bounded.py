"""A call without a deadline of its own is given one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mainstay.model.errors import DeadlinePassed
from mainstay.model.units import Duration
from mainstay.system.bounded import within


def test_an_answer_in_time_is_returned(tmp_path: Path) -> None:
    assert within(Duration(5), "listing", lambda: os.listdir(tmp_path)) == []


def test_the_error_of_the_call_is_raised_here(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        within(Duration(5), "listing", lambda: os.listdir(tmp_path / "missing"))


def test_a_call_that_hangs_in_the_kernel_is_left_behind(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(DeadlinePassed, match="nothing within 50ms"):
        within(Duration(0.05), "a pipe that nobody writes", lambda: os.close(os.open(pipe, os.O_RDONLY)))
    os.close(os.open(pipe, os.O_WRONLY))  # lets the thread end
