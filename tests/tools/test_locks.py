"""The lock files pin every dependency by version and hash, and name no address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
WANTED = {
    "run.txt": [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]],
    "dev.txt": PROJECT["project"]["optional-dependencies"]["dev"],
}


def pinned(name: str) -> dict[str, str]:
    """Return package and block of each pin."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    blocks = re.findall(r"^([a-z0-9-]+)==(.*(?:\n    .*)*)", text, flags=re.MULTILINE)
    return dict(blocks)


@pytest.mark.parametrize("name", WANTED)
def test_every_dependency_is_pinned_with_hashes(name: str) -> None:
    pins = pinned(name)
    missing = {re.split(r"[<>=;\[ ]", wish)[0].replace(".", "-").lower() for wish in WANTED[name]} - pins.keys()
    assert not missing, "run `make lock`"
    assert all("--hash=sha256:" in block for block in pins.values())


@pytest.mark.parametrize("name", WANTED)
def test_no_address_is_named(name: str) -> None:
    assert not re.search(r"://|^\s*-[^-]|^--", (ROOT / "requirements" / name).read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_tests_run_with_the_versions_that_people_run() -> None:
    run, dev = pinned("run.txt"), pinned("dev.txt")
    assert {name: dev[name] for name in run.keys() & dev.keys()} == {name: run[name] for name in run.keys() & dev.keys()}
