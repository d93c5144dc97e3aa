"""What a call imports is what it costs: help needs no libraries, status only those that it shows something with."""

from __future__ import annotations

import pytest

from tests.cli.shop import Shop

HEAVY = ("cryptography", "jinja2", "psutil", "http.client", "asyncio", "multiprocessing", "unittest")


@pytest.mark.parametrize(
    ("call", "without"),
    [("--help", ("rich", "pydantic", "ruamel.yaml", "sqlite3", "mainstay.app", *HEAVY)), ("status", HEAVY)],
)
def test_a_call_imports_no_more_than_it_needs(call: str, without: tuple[str, ...], kept: Shop) -> None:
    told = kept.run(call, env={"PYTHONPROFILEIMPORTTIME": "1"})
    imported = {line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")}
    assert "typer" in imported
    assert not imported.intersection(without)
