"""Waiting until a service answers well several times in a row."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from mainstay.engine.run import Launch
from mainstay.kinds.http import KIND
from mainstay.kinds.http.ready import Readiness
from mainstay.kinds.http.settings import Expect, Patience, Settings
from mainstay.kinds.kind import Session
from mainstay.model.because import Level
from mainstay.model.errors import Cancelled
from mainstay.model.run import RunRecord, Status, Verdict
from mainstay.model.target import Target
from mainstay.model.units import Duration
from mainstay.system.process import Door
from tests.engine.shop import Shop
from tests.servers import Handler, Site

SOON = Patience(times=3, within=Duration(20), every=Duration(0.05))


def waited(settings: Settings, door: Door | None = None) -> Readiness:
    facts: Readiness = KIND.task("ready").observe(Session(Target("api", "http", settings), door or Door()))
    return facts


def level(facts: Readiness) -> Level:
    task = KIND.task("ready")
    return task.assess(facts, task.params())[0].level


def answers(site: Site, *bodies: tuple[int, bytes]) -> str:
    """Add a page that answers in turn, and at last for ever."""
    left = list(bodies)

    def answer(handler: Handler) -> None:
        handler.answer(*(left.pop(0) if len(left) > 1 else left[0]))

    site.pages["/health"] = answer
    return site.base + "/health"


@pytest.mark.covers("POST-02")
def test_healthy_is_several_good_answers_in_a_row_by_status_and_body(site: Site) -> None:
    up, down = (200, b'{"status": "up"}'), (200, b'{"status": "starting"}')
    url = answers(site, (503, b""), up, down, up, up, (500, b'{"status": "up"}'), up)
    facts = waited(Settings(url, Expect(json={"status": "up"}), ready=SOON))
    assert (facts.asked, facts.in_a_row, level(facts)) == (9, 3, Level.OK)
    assert facts.took > 0.29, "six rounds came before the first of the three, with a pause after each"


@pytest.mark.covers("POST-02")
def test_an_answer_that_comes_too_late_is_no_healthy_one(site: Site) -> None:
    url = site.page("/health", 200, b"fine")
    facts = waited(Settings(url, Expect(within=Duration(0.000001)), ready=Patience(1, Duration(0.5), Duration(0.1))))
    assert (facts.in_a_row, level(facts)) == (0, Level.CRITICAL)


@pytest.mark.covers("POST-02")
def test_what_never_becomes_healthy_is_asked_ever_less_often_until_the_deadline() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
        facts = waited(Settings(url, ready=Patience(3, Duration(2), Duration(60))))
    assert level(facts) is Level.CRITICAL
    assert 2 <= facts.asked <= 6
    assert facts.took == Duration(2)
    assert facts.last.failure
    assert facts.last.failure.stage == "connect"


def test_a_cancelled_run_waits_no_longer(site: Site) -> None:
    url = answers(site, (503, b""))
    with pytest.raises(Cancelled):
        waited(Settings(url, ready=Patience(3, Duration(600), Duration(60))), Door(stop=lambda: len(site.asked) >= 2))


def deployed(folder: Path, site: Site, comes_back: bool) -> tuple[Shop, RunRecord]:
    """Run a change after which a service answers 503 some times, or for ever."""
    shop, refused = Shop(folder), [0]

    def answer(handler: Handler) -> None:
        down = "deploy" in shop.effects and (refused[0] < 4 or not comes_back)
        refused[0] += down
        handler.answer(503 if down else 200, b"")

    site.pages["/health"] = answer
    patience = {"times": 2, "within": "10s" if comes_back else "1s", "every": "50ms"}
    shop.targets["api"] = {"kind": "http", "url": site.base + "/health", "ready": patience}
    shop.change("deploy")
    shop.routines = {"daily": {"tasks": ["deploy.run"], "checks": ["api.ready"]}}
    app = shop.open()
    return shop, app.run("daily", Launch(by="ann", envelope=app.forecast("daily").envelope, how="test"))


@pytest.mark.covers("POST-02")
def test_a_run_waits_for_its_service_to_come_back_and_the_time_is_in_its_record(tmp_path: Path, site: Site) -> None:
    shop, record = deployed(tmp_path, site, comes_back=True)
    assert (record.verdict, shop.effects) == (Verdict.PASS, ["deploy"])
    [figure] = record.figures_after["api.ready"]
    assert figure.name == "time to healthy"


@pytest.mark.covers("POST-02")
def test_a_service_that_does_not_come_back_has_the_change_taken_back(tmp_path: Path, site: Site) -> None:
    shop, record = deployed(tmp_path, site, comes_back=False)
    assert (record.verdict, shop.effects) == (Verdict.FAIL, ["deploy", "undeploy"])
    assert record.task("deploy.run").status is Status.UNDONE
    assert "good answers in a row 0 < ready.times 2" in record.because
    assert record.rolled_back
