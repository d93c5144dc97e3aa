from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mainstay.app import App
from tests.notify.mailbox import Mailbox, serve

Made = Callable[..., App]
SITE = """\
site: shop
timezone: Europe/Berlin
state: {folder}/state
contact: "ops@example.org"
targets:
  good: {{kind: command, argv: [/usr/bin/true], on_unknown: rerun}}
  bad: {{kind: command, argv: [/usr/bin/false], on_unknown: rerun}}
  slow: {{kind: command, argv: [/usr/bin/sleep, "60"], on_unknown: undo, undo: [/usr/bin/true]}}
  ask: {{kind: manual, text: "Is the door closed?"}}
routines:
  broken: {{tasks: [bad.run]}}
  well: {{tasks: [good.run]}}
  asking: {{tasks: [good.run, ask.sign]}}
  {routines}
windows:
  {windows}
notify:
  {channels}
"""


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Return a maker of sites with channels and windows, each a line of YAML."""

    def make(*channels: str, windows: str = "", routines: str = "", more: str = "") -> App:
        text = SITE.format(folder=tmp_path, channels="\n  ".join(channels), windows=windows, routines=routines)
        (tmp_path / "mainstay.yaml").write_text(text + more, encoding="utf-8")
        return App.open(tmp_path / "mainstay.yaml")

    return make


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def mail_port(mailbox: Mailbox, free_port: int) -> Iterator[int]:
    """Return the port of a server without TLS that is up."""
    server = serve(mailbox, free_port)
    yield free_port
    server.stop()
