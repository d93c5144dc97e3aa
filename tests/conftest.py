"""What every test may use."""

from __future__ import annotations

import json
import shutil
import socket
import sys
import tempfile
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


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give this run a folder of its own, and write down which statements are sent to a server, for `tools/statements.py`.

    The usual folder is that of every run of this user, and each of them closes it to others when it begins: a server that runs
    there as another user is then kept from its own files, and crashes at its next checkpoint. `--basetemp=FOLDER` keeps it.
    """
    if config.option.basetemp is None:  # not asked for, nor one of the processes of a run
        config.option.basetemp = tempfile.mkdtemp(prefix="tests-")
        config.add_cleanup(lambda: shutil.rmtree(config.option.basetemp, ignore_errors=True))
    sent: set[str] = set()
    sys.addaudithook(lambda event, args: sent.add(str(args[0])) if event == "mainstay.postgres" else None)
    config.add_cleanup(lambda: _keep(config.rootpath, "statements.txt", [json.dumps(text) for text in sorted(sent)]))


def _keep(root: Path, name: str, lines: list[str]) -> None:
    folder = root / "tests" / ".results"
    folder.mkdir(exist_ok=True)
    with (folder / name).open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Write down which coverage ids a passed test proves, for `make matrix`."""
    report = yield
    marks = list(item.iter_markers("covers"))
    if report.when == "call" and report.passed and marks:
        _keep(item.config.rootpath, "covered.txt", [f"{name} {item.nodeid}" for mark in marks for name in mark.args])
    return report
