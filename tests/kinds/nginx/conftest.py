"""A site whose web server is a real nginx, with its maintenance mode set up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.run import RunRecord
from tests.engine.shop import Shop
from tests.live.nginx_server import Nginx, running


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nginx]:
    """Run an nginx that knows nothing of a maintenance mode."""
    with running(tmp_path) as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, server: Nginx) -> Shop:
    """Return a site with that nginx, and one change that users would notice."""
    shop = Shop(tmp_path)
    shop.targets["web"] = server.settings()
    shop.change("menu")
    shop.routines = {
        "daily": {"around": [{"web.maintenance": {"reason": "New shelves.", "lasts": "30m"}}], "tasks": ["menu.run"]}
    }
    return shop


@pytest.fixture
def ready(shop: Shop, server: Nginx) -> Shop:
    """Return it with the mode set up."""
    assert shop.open().run("web.setup", Launch(by="ann")).settled
    server.reloaded()
    return shop


def run(app: App, name: str = "daily") -> RunRecord:
    """Run a routine with consent."""
    return app.run(name, Launch(by="ann", envelope=app.forecast(name).envelope, how="test"))
