"""What every test may use."""

from __future__ import annotations

import socket
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.engine.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Return a site of commands that is written and opened by the test."""
    return Shop(tmp_path)


@pytest.fixture
def free_port() -> int:
    """Return a TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write down which coverage ids a passed test proves, for `make matrix`."""
    report = yield
    marks = list(item.iter_markers("covers"))
    if report.when == "call" and report.passed and marks:
        folder = Path(item.config.rootpath) / "tests" / ".results"
        folder.mkdir(exist_ok=True)
        with (folder / "covered.txt").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} {item.nodeid}\n" for mark in marks for name in mark.args)
    return report
