"""A file holds a configuration, a dashed line, and the mistakes that it is told; adding a case needs no Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parent.glob("golden/*.txt"))


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem.replace("_", " ")) for path in FILES])
def test_every_mistake_is_told_with_its_line(path: Path, mistakes: Callable[..., list[str]]) -> None:
    text, _, expected = path.read_text(encoding="utf-8").partition("\n----\n")
    assert mistakes(text + "\n") == expected.splitlines()
