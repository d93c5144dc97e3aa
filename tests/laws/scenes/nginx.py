"""A real nginx, whose maintenance mode is configured, or is to be."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mainstay.kinds.kind import NoParams
from mainstay.kinds.nginx import include
from mainstay.kinds.nginx.maintenance import Params
from mainstay.kinds.nginx.settings import Settings
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.model.units import Duration
from tests.laws.scene import Scene
from tests.live.nginx_server import Nginx


def setup(folder: Path) -> Scene:
    """Nothing is configured yet, but for a file of somebody else in the place of one."""
    server, settings = _server(folder)
    settings.http_include.write_text("# by hand\n")
    server.start()
    files = (settings.http_include, settings.include)

    def contents() -> Any:
        texts = (path.read_text() if path.exists() else "" for path in files)
        return [
            re.sub(r"Version \w+", "", text.replace(str(folder), "")) for text in texts
        ]  # the version is a digest of the folder, too

    target = Target("web", "nginx", settings)
    return Scene("setup", target, NoParams(), ambiguous=lambda step: _altered(settings), contents=contents, close=server.stop)


def maintenance(folder: Path) -> Scene:
    """The mode is configured and off."""
    server, settings = _server(folder)
    settings.http_include.write_text(include.http("web", settings))
    settings.include.write_text(include.server("web", settings))
    server.start()

    def contents() -> Any:
        flag = settings.folder / "on"
        return os.readlink(flag).split("/")[:2] if flag.is_symlink() else None

    target = Target("web", "nginx", settings)
    return Scene("maintenance", target, Params(), ambiguous=_of_others, contents=contents, close=server.stop)


def _server(folder: Path) -> tuple[Nginx, Settings]:
    server = Nginx(folder)
    settings = Settings(
        urls=(server.url(),),
        exempt_urls=(server.url("/health"),),
        folder=folder / "mode",
        include=folder / "mode.conf",
        http_include=folder / "conf.d" / "mainstay.conf",
        command=tuple(server.argv),
        proof_within=Duration(5),
    )
    return server, settings


def _altered(settings: Settings) -> None:
    settings.http_include.write_text("# by another hand\n")


def _of_others(step: Step) -> None:
    """Nobody has set it: somebody else answers 503."""


SCENES = {"setup": setup, "maintenance": maintenance}
