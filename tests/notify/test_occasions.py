"""What is told, when, and when not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from mainstay.app import App
from mainstay.engine.run import Launch
from mainstay.ledger import events
from mainstay.model.codec import encode
from mainstay.model.errors import Refused
from mainstay.model.notice import Delivery
from mainstay.notify import calendar
from mainstay.notify.deliver import deliver
from mainstay.notify.outbox import Outbox
from mainstay.system import clock
from tests.notify.conftest import Made
from tests.notify.mailbox import Mailbox, wait_for
from tests.notify.test_mail import fail, mail

BERLIN = ZoneInfo("Europe/Berlin")
WEEKLY = 'weekly: {rule: "sunday 02:00", length: 4h, notices: ["14d", "friday 15:00"], advice: "Save your work."}'
ROUTINE = "weekly: {tasks: [good.run: {budget: 10m}], window: weekly}"
ANY_TIME = 'weekly: {rule: "daily 00:00", length: 24h, notices: ["1m"]}'


def told(app: App) -> list[str]:
    deliver(app.context)
    return [f"{one.notice.sort}: {one.notice.subject}" for one in Outbox(app.site.state).all()]


def delivered(app: App) -> list[Delivery]:
    deliver(app.context)
    return Outbox(app.site.state).all()


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 12, day, hour, tzinfo=BERLIN)


def owed(app: App, now: datetime) -> Iterator[calendar.Owed]:
    """Look at the calendar as `deliver` does, and write down what is owed."""
    for one in calendar.owed(app.context, now):
        app.journal.append(events.NOTICE_OWED, one.body(), task=one.key)
        yield one


def run(app: App, routine: str) -> None:
    app.run(routine, Launch(by="ann", envelope=app.forecast(routine).envelope))


def entries(text: str | bytes) -> list[tuple[str, str]]:
    """Return UID and beginning of every entry, as a calendar program reads them."""
    found = Calendar.from_ical(text).walk("VEVENT")
    return [(str(entry["UID"]), str(entry["DTSTART"].to_ical())) for entry in found]


def test_lead_times_of_a_slot_come_once_each(made: Made, mail_port: int) -> None:
    app = made(mail(mail_port, "ops@example.org"), windows=WEEKLY, routines=ROUTINE)
    seen = []
    for hours in range(0, 24 * 14, 6):  # Monday 7 December to Sunday the 20th
        now = at(7, 0) + timedelta(hours=hours)
        seen += [(now, one.facts["start"].astimezone(BERLIN), one.facts["late"]) for one in owed(app, now)]
    first = seen[0]
    assert (first[0], first[1]) == (at(7, 0), at(13, 2))  # late: its lead time was before the first look
    assert first[2] is not None
    rest = [f"{now:%a %d %H} for {start:%a %d}" for now, start, _ in seen[1:]]
    assert rest == [
        "Mon 07 00 for Sun 20",
        "Fri 11 18 for Sun 13",
        "Sun 13 06 for Sun 27",
        "Fri 18 18 for Sun 20",
        "Sun 20 06 for Sun 03",
    ]


def test_a_slot_that_is_no_longer_in_the_calendar_is_cancelled_for_those_who_were_told(made: Made, mail_port: int) -> None:
    app = made(mail(mail_port, "ops@example.org"), windows=WEEKLY, routines=ROUTINE)
    assert [one.sort for one in owed(app, at(11, 16))][:1] == ["lead"]
    app = made(mail(mail_port, "ops@example.org"), windows=WEEKLY.replace("sunday", "saturday"), routines=ROUTINE)
    cancelled = [one for one in owed(app, at(11, 17)) if one.sort == "cancelled"]
    assert cancelled[0].facts["start"] == encode(at(13, 2))
    assert not list(owed(app, at(11, 18)))


@pytest.mark.covers("NTF-02")
def test_a_lead_notice_has_an_invitation_with_the_uid_of_the_feed(made: Made, mailbox: Mailbox, mail_port: int) -> None:
    from mainstay.report.calendar import Appointment, ical
    from mainstay.schedule.occurrences import upcoming

    app = made(mail(mail_port, "ops@example.org"), windows=WEEKLY, routines=ROUTINE)
    told(app)
    message = mailbox.mails[0]
    (invitation,) = [part for part in message.walk() if part.get_content_type() == "text/calendar"]
    (told_of,) = entries(invitation.get_content())
    now = clock.now()
    feed = ical(app.site, [Appointment(one, None) for one in upcoming(app.agenda(now, now), now, now + timedelta(days=15))], now)
    assert told_of in entries(feed)
    plain = message.get_body(("plain",))
    assert plain
    body = plain.get_content()
    assert "Save your work." in body
    assert "Expected to need: 20m" in body
    assert "slower answers" in body


def test_a_run_that_fails_is_told_and_its_recovery_too_but_not_what_is_well(made: Made, mail_port: int) -> None:
    app = made(mail(mail_port, "ops@example.org"))
    run(app, "well")
    assert told(app) == []
    text = (app.site.files[0]).read_text(encoding="utf-8")
    app.site.files[0].write_text(text.replace("/usr/bin/true", "/usr/bin/false"), encoding="utf-8")
    run(App.open(app.site.files[0]), "well")
    app.site.files[0].write_text(text, encoding="utf-8")
    run(app, "well")
    run(app, "well")
    assert told(app) == ["failed: shop: well FAILED", "all_clear: shop: all clear: well is done"]


@pytest.mark.covers("NTF-04")
def test_the_all_clear_waits_for_the_watch_period(made: Made, mail_port: int) -> None:
    routine = "weekly: {tasks: [good.run], window: weekly, watch: 1h}"
    app = made(mail(mail_port, "ops@example.org"), windows=ANY_TIME, routines=routine)
    run(app, "weekly")
    assert [line for line in told(app) if "lead" not in line] == ["status: shop: weekly is done and watched for 1h"]
    app.settle(app.runs(1)[0].id, "ann", "it is well")
    assert told(app)[-1] == "all_clear: shop: all clear: weekly is done"
    text = Outbox(app.site.state).all()[-1].notice.text
    assert "watched for 1h" in text
    assert "Next: " in text


def test_a_slot_in_which_nothing_may_start_is_told_once_however_often_the_timer_fires(made: Made, mail_port: int) -> None:
    routine = "weekly: {tasks: [good.run: {budget: 1m}], window: weekly, proof: {of: [good], within: 24h}}"
    app = made(mail(mail_port, "ops@example.org"), windows=ANY_TIME, routines=routine)
    for _ in range(3):
        with pytest.raises(Refused):
            app.run("weekly", Launch(by="timer", attended=False, scheduled=True))
    assert [line for line in told(app) if line.startswith("refused")] == ["refused: shop: weekly may not start"]


def test_a_timer_that_fires_outside_of_the_window_is_no_news(made: Made, mail_port: int) -> None:
    never = 'weekly: {rule: "yearly 02-28 00:00", length: 30m}'
    app = made(mail(mail_port, "ops@example.org"), windows=never, routines=ROUTINE)
    with pytest.raises(Refused):
        app.run("weekly", Launch(by="timer", attended=False, scheduled=True))
    assert told(app) == []


def test_an_emergency_is_told_by_the_first_event_of_its_run(made: Made, mail_port: int) -> None:
    app = made(mail(mail_port, "ops@example.org"))
    body = {"routine": "well", "launched_by": "ann", "attended": True, "all_or_nothing": False, "watch": 0, "tasks": []}
    emergency = {"approver": "bob", "reason": "the disk\x1b[2J is full"}
    app.journal.append(events.RUN_STARTED, {**body, "emergency": emergency}, run="r1")
    assert told(app) == ["emergency: shop: EMERGENCY: well"]
    text = Outbox(app.site.state).all()[0].notice.text
    assert "Approved by: bob" in text
    assert "\x1b" not in text


def test_a_new_outbox_tells_what_happened_in_the_last_day_and_forgets_what_is_older(made: Made, mail_port: int) -> None:
    app = made(mail(mail_port, "ops@example.org"))
    fail(app)
    assert len(told(app)) == 1
    Outbox(app.site.state).path.unlink()
    assert len(told(app)) == 1


@pytest.mark.covers("NTF-03")
def test_a_run_at_work_is_told_at_its_times_and_when_it_takes_too_long(made: Made, mail_port: int) -> None:
    window = 'weekly: {rule: "daily 00:00", length: 24h, status: ["00:00", "06:00", "12:00", "18:00"]}'
    routine = "weekly: {tasks: [good.run: {budget: 1m}, slow.run: {budget: 1m}], window: weekly}"
    app = made(mail(mail_port, "ops@example.org"), windows=window, routines=routine)
    work = threading.Thread(target=run, args=(App.open(app.site.files[0]), "weekly"))
    work.start()
    wait_for(lambda: app.runs(1) and app.runs(1)[0].task("slow.run").status == "running")
    now = clock.now()
    assert not list(owed(app, now))
    later = list(owed(app, now + timedelta(hours=7)))
    assert [one.sort for one in later] == ["status", "overrun"]
    assert (later[0].facts["done"], later[0].facts["total"], later[0].facts["at_work"]) == (1, 2, "slow.run")
    assert later[1].facts["forecast"] == "4m"
    app.cancel(app.runs(1)[0].id, "ann", "enough")
    work.join(30)
    found = [(one.notice.sort, one.notice.subject) for one in delivered(app)]
    assert ("status", "shop: weekly: 1 of 2 tasks done") in found
    assert ("overrun", "shop: weekly takes longer than expected") in found


def test_a_run_whose_process_is_gone_is_told_after_a_while(made: Made, mail_port: int) -> None:
    app = made(mail(mail_port, "ops@example.org"))
    body = {"routine": "well", "launched_by": "ann", "attended": True, "all_or_nothing": False, "watch": 0, "tasks": []}
    app.journal.append(events.RUN_STARTED, body, run="r1")
    assert not list(owed(app, clock.now()))
    (gone,) = owed(app, clock.now() + timedelta(minutes=6))
    assert (gone.sort, gone.on) == ("failed", "well")
    assert "mainstay resume r1" in delivered(app)[0].notice.text
