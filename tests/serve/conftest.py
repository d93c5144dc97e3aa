from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.served import Site


@pytest.fixture
def site() -> Iterator[Site]:
    """A site in a folder that every user of the machine may come by."""
    with tempfile.TemporaryDirectory(prefix="serve-") as folder:
        Path(folder).chmod(0o755)
        yield Site(Path(folder))
