"""What every test may use."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest


@pytest.fixture
def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    """Write down which coverage ids a passed test proves, for `make matrix`."""
    report = yield
    marks = [mark for mark in item.iter_markers("covers")]
    if report.when == "call" and report.passed and marks:
        folder = Path(item.config.rootpath) / "tests" / ".results"
        folder.mkdir(exist_ok=True)
        with (folder / "covered.txt").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} {item.nodeid}\n" for mark in marks for name in mark.args)
    return report
