"""Setting the mode up: what nginx refuses is taken back, what was there before is kept, and what a person changed is told."""

from __future__ import annotations

import subprocess

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.run import Status
from tests.engine.shop import Shop
from tests.live.nginx_server import Nginx


def setup(app: App) -> Status:
    return app.run("web.setup", Launch(by="ann")).task("web.setup").status


def findings(app: App) -> list[str]:
    return [str(finding) for finding in app.check(["web"])[0].findings]


def test_it_is_done_once(shop: Shop) -> None:
    assert [setup(shop.open()), setup(shop.open())] == [Status.CHANGED, Status.OK]
    assert findings(shop.open()) == ["maintenance mode: off: 1 of 2 server blocks can show it"]


@pytest.mark.covers("MODE-03")
def test_what_nginx_refuses_is_taken_back(shop: Shop, server: Nginx) -> None:
    mine = server.folder / "conf.d" / "mainstay.conf"
    mine.write_text("# by hand\n")
    include = f"include {server.folder}/mode[.]conf;"
    conf = server.folder / "nginx.conf"
    conf.write_text(conf.read_text().replace(include, f"open_file_cache off; {include}"))
    record = shop.open().run("web.setup", Launch(by="ann"))
    assert record.task("web.setup").status is Status.FAILED
    assert '"open_file_cache" directive is duplicate' in record.task("web.setup").because
    assert (mine.read_text(), (server.folder / "mode.conf").exists()) == ("# by hand\n", False)
    subprocess.run([*server.argv, "-t"], check=True, capture_output=True)


def test_a_rollback_brings_back_what_was_there(shop: Shop, server: Nginx) -> None:
    mine = server.folder / "conf.d" / "mainstay.conf"
    mine.write_text("# by hand\n")
    shop.routines["setup"] = {"tasks": ["web.setup"], "watch": "1h"}
    app = shop.open()
    record = app.run("setup", Launch(by="ann"))
    assert "geo $mainstay_web_operator" in mine.read_text()
    app.roll_back(record.id)
    assert mine.read_text() == "# by hand\n"


def test_a_file_that_was_changed_is_told(ready: Shop, server: Nginx) -> None:
    (server.folder / "mode.conf").write_text("# nothing\n")
    assert findings(ready.open()) == [
        f"{server.folder}/mode.conf: the file is: not what setup would write -- mainstay run web.setup"
    ]


def test_a_configuration_that_nginx_refuses_is_critical(ready: Shop, server: Nginx) -> None:
    (server.folder / "conf.d" / "other.conf").write_text("nonsense on;\n")
    assert 'nginx -t: unknown directive "nonsense"' in findings(ready.open())[0]


def test_an_nginx_that_does_not_run_gets_nothing(shop: Shop, server: Nginx) -> None:
    server.stop()
    record = shop.open().run("web.setup", Launch(by="ann"))
    assert (record.task("web.setup").status, record.settled) == (Status.FAILED, True)
    assert not (server.folder / "mode.conf").exists()
