from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.built(tmp_path / "shop")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A shop with a past, for the commands that only read: two runs, one of them parked, and an open emergency."""
    shop = Shop.built(tmp_path_factory.mktemp("kept") / "shop")
    shop.run("check", code=2)
    shop.run("run", "daily")
    shop.run("run", "launch")
    shop.run("rehearse", "db.optimize")
    shop.run("emergency", "open", "--severity", "S3", "--reason", "slow since noon")
    return shop
