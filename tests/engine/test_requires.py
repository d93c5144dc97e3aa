"""What a routine requires before it may start: signed by named persons for one run, or proven; all that is missing at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.model.because import Level
from mainstay.model.errors import ConfigError, Refused
from mainstay.model.run import Status
from tests.engine.shop import Shop

REQUIRED: dict[str, Any] = {
    "staff": {"signed": "A second administrator is on call.", "by": ["ada", "bob"]},
    "parallel": {"done": ["spare.backup"], "within": "2d"},
    "services": {"checks": ["mirror.check"]},
    "rollback": {"proven": ["menu"], "within": "30d"},
}


@pytest.fixture
def quarterly(shop: Shop, tmp_path: Path) -> Shop:
    """A quarterly routine with a second repository beside the first, whose copies are proven by loading them."""
    (tmp_path / "menu").mkdir()
    (tmp_path / "menu" / "today").write_text("soup")
    shop.targets["menu"] = {"kind": "files", "path": str(tmp_path / "menu")}
    shop.targets["safe"] = {"kind": "backup", "repository": {"path": str(tmp_path / "safe")}, "of": ["menu"]}
    shop.targets["spare"] = {"kind": "backup", "repository": {"path": str(tmp_path / "spare")}, "of": ["menu"]}
    shop.command("mirror", f"cp -r {tmp_path}/menu {tmp_path}/mirror", after=["/usr/bin/test", "-e", f"{tmp_path}/mirror"])
    shop.command("rebuild")
    shop.routines = {"quarterly": {"requires": REQUIRED, "tasks": ["rebuild.run"]}}
    return shop


def missing(app: App) -> dict[str, str]:
    found = [one for one in app.ready("quarterly") if one.on.startswith("requires ")]
    assert len(found) == len(REQUIRED), "what is met is told as well"
    return {one.on.removeprefix("requires "): str(one.because) for one in found if one.level >= Level.CRITICAL}


def started(app: App) -> Status:
    return app.run("quarterly", Launch(by="ada", envelope=app.forecast("quarterly").envelope)).status


def met(app: App) -> None:
    """Do what is required: copy, prove, and sign."""
    for task in ("mirror.run", "spare.backup", "safe.backup", "safe.prove"):
        assert app.run(task, Launch(by="ada", envelope=app.forecast(task).envelope)).status is Status.CHANGED
    app.sign_requirement("quarterly", "staff", "ada", "bob is in", yes=True)


@pytest.mark.covers("SCH-18")
def test_everything_that_is_missing_is_told_at_once_and_nothing_starts(quarterly: Shop) -> None:
    app = quarterly.open()
    assert set(missing(app)) == set(REQUIRED)
    with pytest.raises(Refused) as refused:
        started(app)
    for part in (
        "staff: nobody has signed: A second administrator is on call.",
        "parallel: spare.backup has never run",
        "services: mirror.check: ",
        "rollback: no copy of menu was ever proven restorable",
    ):
        assert part in str(refused.value)
    assert quarterly.effects == []


@pytest.mark.covers("SCH-18")
def test_when_all_of_it_is_signed_or_proven_it_starts_and_a_signature_is_for_one_run(quarterly: Shop) -> None:
    app = quarterly.open()
    met(app)
    assert missing(app) == {}
    assert started(app) is Status.CHANGED
    assert missing(app).keys() == {"staff"}, "what machines prove stays proven; the next run is signed for anew"
    with pytest.raises(Refused, match=r"the signature of ada was for run .*-quarterly-"):
        started(app)
    assert quarterly.effects == ["rebuild"]


@pytest.mark.covers("SCH-18")
def test_a_refused_start_uses_no_signature_up(quarterly: Shop) -> None:
    app = quarterly.open()
    app.sign_requirement("quarterly", "staff", "bob", "", yes=True)
    with pytest.raises(Refused):
        started(app)
    met(app)
    assert started(app) is Status.CHANGED


@pytest.mark.covers("SCH-18")
def test_who_may_not_sign_is_told_who_may_and_a_no_counts(quarterly: Shop) -> None:
    app = quarterly.open()
    with pytest.raises(Refused, match=r"by ada, bob \(mainstay\.yaml:\d+\)"):
        app.sign_requirement("quarterly", "staff", "eve", "", yes=True)
    with pytest.raises(Refused, match="to be signed: staff"):
        app.sign_requirement("quarterly", "parallel", "ada", "", yes=True)
    met(app)
    app.sign_requirement("quarterly", "staff", "bob", "I am on leave", yes=False)
    assert missing(app) == {"staff": "bob declined: I am on leave"}


@pytest.mark.covers("SCH-18")
def test_a_signature_is_for_the_text_that_was_signed(quarterly: Shop) -> None:
    met(quarterly.open())
    changed = {**REQUIRED, "staff": {"signed": "Two administrators are on call."}}
    quarterly.routines["quarterly"]["requires"] = changed
    assert missing(quarterly.open()) == {"staff": "nobody has signed: Two administrators are on call."}


@pytest.mark.covers("SCH-18")
def test_what_was_signed_done_or_proven_too_long_ago_does_not_count(quarterly: Shop) -> None:
    app = quarterly.open()
    ended = {"step": "prove", "status": "changed", "because": "", "after": None, "output": "", "proves": ["menu"]}
    asked = REQUIRED["staff"]["signed"]
    signed = {"routine": "quarterly", "item": "staff", "asked": asked, "by": "ada", "yes": True, "text": ""}
    old = [
        (events.ROUTINE_SIGNED, "", signed),
        (events.STEP_ENDED, "safe.prove", ended),
        (events.TASK_ENDED, "spare.backup", ended),
    ]
    for number, (kind, task, body) in enumerate(old, 1):
        row = (number, "2020-01-01T00:00:00+00:00", kind, task, json.dumps(body))
        app.journal._connection.execute("INSERT INTO event (seq, at, kind, task, body, hash) VALUES (?, ?, ?, ?, ?, '')", row)
    found = missing(app)
    assert "> within 30d (mainstay.yaml:" in found["staff"]
    assert "> within 2d" in found["parallel"]
    assert "> within 30d" in found["rollback"]


def test_a_requirement_says_one_thing(quarterly: Shop) -> None:
    for wrong in ({}, {"signed": "x", "proven": ["menu"]}, {"proven": ["menu"], "by": ["ada"]}, {"checks": ["mirror.run"]}):
        quarterly.routines["quarterly"]["requires"] = {"staff": wrong}
        with pytest.raises(ConfigError):
            quarterly.open()
