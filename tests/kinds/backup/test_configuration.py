"""Configuration goes back to what it was: it is compared with its backup, and one file of it is restored beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainstay.app import App
from mainstay.cli import backup_diff
from mainstay.engine.run import Launch
from mainstay.model.errors import Refused
from mainstay.model.run import Status
from tests.engine.shop import Shop


@pytest.fixture
def app(shop: Shop, tmp_path: Path) -> App:
    """Return a site whose configuration has a proven backup, and was changed since."""
    (tmp_path / "etc" / "nginx").mkdir(parents=True)
    (tmp_path / "etc" / "nginx" / "site.conf").write_text("listen 80;\n")
    (tmp_path / "etc" / "top.conf").write_text("top\n")
    (tmp_path / "etc" / "nginx" / "same.conf").hardlink_to(tmp_path / "etc" / "top.conf")
    (tmp_path / "etc" / "nginx" / "current").symlink_to("site.conf")
    shop.targets["config"] = {"kind": "files", "path": str(tmp_path / "etc")}
    shop.targets["safe"] = {"kind": "backup", "repository": {"path": str(tmp_path / "safe")}, "of": ["config"]}
    shop.routines["daily"] = {"tasks": ["safe.backup", "safe.prove"]}
    app = shop.open()
    app.run("daily", Launch(by="timer"))
    (tmp_path / "etc" / "nginx" / "site.conf").write_text("listen 443;\n")
    return app


@pytest.mark.covers("BKP-24", "RBK-03")
def test_the_difference_is_shown_and_one_file_comes_back_beside_the_live_one(app: App, tmp_path: Path) -> None:
    assert [line for line in backup_diff.lines(app, "safe", "config", "latest") if "listen" in line] == [
        "-listen 80;",
        "+listen 443;",
    ]
    params = {"target": "config", "only": "nginx/site.conf", "into": str(tmp_path / "site.conf")}
    record = app.run(app.routine("safe.restore", params), Launch(by="ann"))
    assert record.tasks[0].status is Status.CHANGED
    assert (tmp_path / "site.conf").read_text() == "listen 80;\n"
    assert (tmp_path / "etc" / "nginx" / "site.conf").read_text() == "listen 443;\n"
    (tmp_path / "site.conf").replace(tmp_path / "etc" / "nginx" / "site.conf")
    assert backup_diff.lines(app, "safe", "config", "latest") == ()
    assert list((tmp_path / "safe").glob(".part-*")) == []


@pytest.mark.parametrize(("only", "content"), [("top.conf", "top\n"), ("nginx/same.conf", "top\n"), ("nginx/current", None)])
def test_a_file_at_the_top_a_hard_link_and_a_link_come_back(app: App, tmp_path: Path, only: str, content: str | None) -> None:
    app.run(app.routine("safe.restore", {"target": "config", "only": only, "into": str(tmp_path / "one")}), Launch(by="ann"))
    if content is None:
        assert (tmp_path / "one").readlink() == Path("site.conf")
    else:
        assert (tmp_path / "one").read_text() == content


def test_a_file_that_the_backup_does_not_have_is_named(app: App, tmp_path: Path) -> None:
    for only in ("nginx/other.conf", "no/where", "../etc/passwd"):
        params = {"target": "config", "only": only, "into": str(tmp_path / "one")}
        record = app.run(app.routine("safe.restore", params), Launch(by="ann"))
        assert record.tasks[0].status is Status.FAILED, only
        assert not (tmp_path / "one").exists()


def test_without_a_backup_there_is_nothing_to_compare_with(app: App) -> None:
    with pytest.raises(Refused, match="no backup to compare with"):
        backup_diff.lines(app, "safe", "config", "2020")
