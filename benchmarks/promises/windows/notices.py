"""Notices through a real mail server: none is lost, order is kept, and a duplicate has the same name."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import proven


def measure() -> Iterator[Goal]:
    """Kill at every write of the outbox, and let the server refuse, be full, slow and down."""
    yield proven("mail: STARTTLS, login, 452, down for a while, slow", "all arrives, in order", "tests/notify/test_mail.py")
    yield proven("kill -9 at every outbox write", "0 lost, doubled only without our record", "tests/notify/test_outbox_crash.py")
