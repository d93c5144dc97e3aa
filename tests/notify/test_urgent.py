"""An emergency is told before anything is done, and a channel that is down keeps nobody from work."""

from __future__ import annotations

import threading

import pytest

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.model.emergency import Severity
from mainstay.model.errors import Refused
from mainstay.model.run import Override, RunRecord, Status
from mainstay.notify.deliver import deliver
from mainstay.notify.outbox import Outbox
from mainstay.people.emergencies import Alarm
from tests.notify.conftest import Made
from tests.notify.mailbox import Mailbox, wait_for
from tests.notify.test_mail import QUICK, fail, mail

BURNING = Override("bob", "a flaw in the shop")
SHORT, LONG = "emergencies: {notice_within: 1s}\n", "emergencies: {notice_within: 2m}\n"


def run(app: App, routine: str = "well") -> RunRecord:
    return app.run(routine, Launch(by="ann", envelope=app.forecast(routine).envelope, emergency=BURNING))


def said(app: App, record: RunRecord) -> str:
    """Return what the run says of its notice, which it does before anything else."""
    found = [event.kind for event in app.journal.events(run=record.id)]
    assert found[:3] == [events.RUN_STARTED, events.RUN_ADOPTED, events.RUN_NOTED]
    return next(remark.text for remark in record.remarks if remark.act == "noted")


@pytest.mark.covers("NTF-06")
def test_the_notice_is_with_the_server_before_the_first_step_starts(made: Made, mailbox: Mailbox, mail_port: int) -> None:
    app = made(mail(mail_port, "ops@example.org", "staff@example.org"), more=LONG)
    record = run(app)
    assert said(app, record) == "told: mail to ops@example.org, mail to staff@example.org"
    assert {mail["Subject"] for mail in mailbox.mails} == {"shop: EMERGENCY: well"}
    first = next(event.at for event in app.journal.events(run=record.id) if event.kind == events.STEP_STARTED)
    sent = [one.ended for one in Outbox(app.site.state).all()]
    assert all(at and at < first for at in sent)
    text = mailbox.mails[0].get_content()
    assert "Why: a flaw in the shop" in text
    assert "Approved by: bob" in text
    assert "pending   good.run" in text
    assert f"mainstay show {record.id}" in text


@pytest.mark.covers("NTF-06")
def test_a_channel_that_is_down_holds_nothing_up_and_gets_the_notice_later(
    made: Made, mailbox: Mailbox, mail_port: int, free_port: int
) -> None:
    app = made(mail(1, "ops@example.org"), more=SHORT)
    record = run(app)
    assert record.status is Status.CHANGED
    assert said(app, record).startswith("nobody is told yet, is tried again: mail to ops@example.org: no mail server")
    again = made(mail(mail_port, "ops@example.org"))
    wait_for(lambda: deliver(again.context, pace=QUICK).owed == 0)
    assert mailbox.subjects("ops@example.org")[0] == "shop: EMERGENCY: well"


@pytest.mark.covers("NTF-06")
def test_a_server_that_never_answers_is_waited_for_no_longer_than_the_setting_says(
    made: Made, mailbox: Mailbox, mail_port: int
) -> None:
    mailbox.slow["ops@example.org"] = 3600
    app = made(mail(mail_port, "ops@example.org").replace("}}", "}, within: 60}"), more=SHORT)
    record = run(app)
    assert record.status is Status.CHANGED
    assert "mail to ops@example.org: no answer within 1s" in said(app, record)


def test_a_delivery_of_another_process_that_hangs_at_one_lane_tells_the_emergency_through_the_others(
    made: Made, mailbox: Mailbox, mail_port: int
) -> None:
    mailbox.slow["slow@example.org"] = 3600
    slow = mail(mail_port, "slow@example.org").replace("mail:", "slow:", 1).replace("}}", "}, within: 60, gets: [failed]}")
    app = made(slow, mail(mail_port, "ops@example.org"), more=LONG)
    fail(app)
    other = threading.Thread(target=deliver, args=(App.open(app.site.files[0]).context,), daemon=True)
    other.start()
    wait_for(lambda: mailbox.subjects("ops@example.org"))
    assert said(app, run(app)) == "told: mail to ops@example.org"
    assert other.is_alive()  # until its server goes away


def test_without_a_channel_the_run_says_that_nobody_is_told(made: Made) -> None:
    app = made()
    assert said(app, run(app)) == "nobody is told: no channel gets emergency notices"


def test_an_older_notice_that_waits_for_its_next_attempt_is_overtaken(made: Made, mailbox: Mailbox, mail_port: int) -> None:
    down = made(mail(1, "ops@example.org"))
    fail(down)
    deliver(down.context)
    app = made(mail(mail_port, "ops@example.org"), more=LONG)
    run(app)
    assert mailbox.subjects("ops@example.org")[0] == "shop: EMERGENCY: well"


def test_that_a_gate_holds_the_work_back_which_was_announced_is_told_too(made: Made, mailbox: Mailbox, mail_port: int) -> None:
    routine = "closed: {tasks: [good.run], proof: {of: [good], within: 24h}}"
    app = made(mail(mail_port, "ops@example.org"), routines=routine)
    with pytest.raises(Refused):
        run(app, "closed")
    deliver(app.context, pace=QUICK)
    assert mailbox.subjects("ops@example.org") == ["shop: EMERGENCY: closed", "shop: closed may not start"]
    assert "has not begun" in mailbox.mails[1].get_content()


def test_opening_an_emergency_tells_it_before_the_evidence_is_kept(made: Made, mailbox: Mailbox, mail_port: int) -> None:
    app = made(mail(mail_port, "ops@example.org"), more="emergencies: {notice_within: 2m, contacts: {on-call: '+49 30 1234'}}\n")
    found = app.emergencies.open(Alarm(Severity.S1, "orders fail", "ann"))
    assert found.told == "told: mail to ops@example.org"
    assert [event.kind for event in app.journal.events(run=found.id)][1:] == [
        events.EMERGENCY_OPENED,
        events.EMERGENCY_TOLD,
        events.EMERGENCY_EVIDENCE,
    ]
    text = mailbox.mails[0].get_content()
    assert mailbox.mails[0]["Subject"] == f"shop: EMERGENCY S1: {found.id}"
    assert "on-call: +49 30 1234" in text
    assert "within 15m; how it stands is told every 30m" in text
