"""The service survives kill -9, signals, a wrong file and a clock that jumps; strangers get what their user and group may."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import proven

SERVE = "tests/serve/test_serve.py"
LINES: dict[str, tuple[str, ...]] = {
    "kill -9 of serve while a routine runs": (SERVE, "-k", "killed_service or killed_with_its_service"),
    "TERM with a step at work, within 10 s": (SERVE, "-k", "term_stops or does_not_stop"),
    "HUP with a broken file": (SERVE, "-k", "wrong_file"),
    "two services, timers and people at once": (SERVE, "-k", "two_services or doubles_nothing"),
    "a clock set back and forth": (SERVE, "-k", "clock"),
    "another user over the socket": ("tests/serve/test_asks.py",),
}


def measure() -> Iterator[Goal]:
    """Prove each."""
    for name, tests in LINES.items():
        yield proven(name, "nothing doubled, lost or left", *tests)
