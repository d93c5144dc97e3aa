"""The web server in front: its maintenance mode."""

from __future__ import annotations

from mainstay.kinds.kind import Kind
from mainstay.kinds.nginx.check import Check
from mainstay.kinds.nginx.discover import discover
from mainstay.kinds.nginx.maintenance import Maintenance
from mainstay.kinds.nginx.settings import Settings
from mainstay.kinds.nginx.setup import Setup

KIND = Kind(
    name="nginx",
    summary="the maintenance mode of an nginx: a page, 503 for everybody else, proven from outside",
    settings=Settings,
    tasks=(Check(), Setup(), Maintenance()),
    discover=discover,
    category="infrastructure",
)
