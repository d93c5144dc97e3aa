"""Two bad nights, up to the mail: a run that takes longer than anybody thought, and one that cannot be taken back whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.model.plan import Impact
from mainstay.model.run import Status
from mainstay.schedule.agenda import Announced
from mainstay.system import clock
from tests.engine.shop import Shop
from tests.notify.mailbox import Mailbox, serve

PROGRAM = str(Path(sys.executable).with_name("mainstay"))


class Paging(Shop):
    """A shop that tells a mailbox."""

    port = 0

    def open(self) -> App:
        self.more = {"notify": {"mail": mail(self.port)}}
        return super().open()


def mail(port: int) -> dict[str, Any]:
    return {"smtp": {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "m@example.org", "to": ["ops@example.org"]}}


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def shop(tmp_path: Path, mailbox: Mailbox, free_port: int) -> Iterator[Paging]:
    server = serve(mailbox, free_port)
    made = Paging(tmp_path)
    made.port = free_port
    yield made
    server.stop()


def texts(mailbox: Mailbox) -> list[str]:
    """Return each mail as its subject and its text."""
    found = []
    for one in mailbox.mails:
        body = one.get_body(("plain",))
        assert body
        found.append(f"{one['Subject']}\n{body.get_content()}")
    return found


@pytest.mark.slow
@pytest.mark.covers("SCH-12")
def test_a_run_that_overruns_its_forecast_starts_nothing_that_could_not_end_and_says_so(shop: Paging, mailbox: Mailbox) -> None:
    shop.command("long", "sleep 90; echo long >> $LOG", neutral=True)
    shop.command("short")
    shop.command("next")
    tasks = [{"long.run": {"budget": "1s"}}, {"short.run": {"budget": "1s"}}, {"next.run": {"budget": "10s"}}]
    shop.routines = {"daily": {"tasks": tasks, "buffer": "20s"}}
    app, start = shop.open(), clock.now() + timedelta(seconds=1)
    app.announcements.announce(Announced("daily-1", "daily", start, start + timedelta(minutes=2), Impact.DOWNTIME, "ada", ""))
    while clock.now() < start:
        clock.sleep(0.05)
    config = str(shop.folder / "mainstay.yaml")
    with subprocess.Popen([PROGRAM, "-c", config, "run", "daily", "--scheduled"], stdout=subprocess.DEVNULL) as running:
        while running.poll() is None:
            app.deliver()
            clock.sleep(1)
    app.deliver()
    record = app.run_record("last")
    found = {task.id: task.status for task in record.tasks}
    assert found == {"long.run": Status.CHANGED, "short.run": Status.CHANGED, "next.run": Status.DEFERRED}
    assert shop.effects == ["long", "short"]
    assert record.task("next.run").because.startswith("time needed 40s >")
    overrun, ended = texts(mailbox)
    assert "takes longer than expected" in overrun
    assert "next.run: time needed 40s" in ended


@pytest.mark.slow
def test_of_ten_steps_whose_fifth_cannot_be_taken_back_what_is_left_is_told_and_mailed(shop: Paging, mailbox: Mailbox) -> None:
    for number in range(1, 11):
        shop.change(f"step{number}", impact="load", **({"undo": ["/bin/false"]} if number == 5 else {}))
    shop.command("fail", "exit 1", impact="load")
    tasks = [{f"step{number}.run": {"budget": "5s"}} for number in range(1, 11)]
    shop.routines = {"daily": {"all_or_nothing": True, "tasks": [*tasks, {"fail.run": {"budget": "5s"}}]}}
    app = shop.open()
    record = app.run("daily", Launch(by="ada", envelope=app.forecast("daily").envelope))
    undone = [one.removeprefix("un") for one in shop.effects if one.startswith("un")]
    assert undone == [f"step{number}" for number in range(10, 5, -1)], "newest first, and nothing older than the one that failed"
    assert record.status is Status.FAILED
    assert "taking back step5.run" in record.because
    assert not record.settled
    standing = [task.id for task in record.tasks if task.status is Status.CHANGED]
    assert standing == [f"step{number}.run" for number in range(1, 6)], "exactly what is left"
    app.deliver()
    [told] = texts(mailbox)
    assert "taking back step5.run" in told
    shown = subprocess.run(
        [PROGRAM, "-c", str(shop.folder / "mainstay.yaml"), "status", "--json"], capture_output=True, text=True, check=False
    )
    [open_run] = json.loads(shown.stdout)["open_runs"]
    assert "step5.run" in open_run["because"]
    assert open_run["next"] == f"mainstay resume {record.id}"
