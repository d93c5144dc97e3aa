"""The order of versions is that of dpkg itself."""

from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from mainstay.kinds.packages.versions import newer

KNOWN = [
    "1.0",
    "1.0-1",
    "1.0-1+b1",
    "1.0-1+deb12u1",
    "1.0~rc1-1",
    "1.0~~",
    "1.0a",
    "1.0+x",
    "1:0.1",
    "0:1.0",
    "1.0-0",
    "1.00",
    "1.10",
    "1.9",
    "2.36-9+deb12u10",
    "a",
    "1.0-1~bpo12+1",
]


@pytest.mark.skipif(not shutil.which("dpkg"), reason="needs dpkg")
def test_the_order_is_that_of_dpkg() -> None:
    made = random.Random(7)
    pairs = [(one, other) for one in KNOWN for other in KNOWN]
    pairs += [(_any(made), _any(made)) for _ in range(300)]
    wrong = [pair for pair in pairs if newer(*pair) is not _dpkg(*pair)]
    assert not wrong


def _any(made: random.Random) -> str:
    return f"{made.choice(['', '', '1:'])}1{''.join(made.choices('01a.+~-', k=made.randint(0, 6)))}0"


def _dpkg(one: str, other: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", one, "gt", other], check=False).returncode == 0
