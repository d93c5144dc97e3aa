"""Which backups stay: laws that hold for every catalogue and policy, and a year in one test."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.model.units import Duration, Size
from mainstay.vault.approvals import Approval
from mainstay.vault.catalogue import Entry
from mainstay.vault.holds import Hold
from mainstay.vault.names import BackupId
from mainstay.vault.retention import Policy, decide, until

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = Duration(86400)


def _entry(at: datetime, number: int, proven: bool) -> Entry:
    id = BackupId.of(at, "db", f"run-{number}")
    return Entry(id, "db", "sqlite", at, Duration(1), Size(1), Size(1), proven=at if proven else None)


HISTORIES = st.lists(st.tuples(st.integers(0, 900 * 24), st.booleans()), max_size=60).map(
    lambda ages: [_entry(NOW - timedelta(hours=hours), number, proven) for number, (hours, proven) in enumerate(ages)]
)
POLICIES = st.builds(
    Policy,
    last=st.integers(1, 5),
    daily=st.integers(0, 9),
    weekly=st.integers(0, 9),
    monthly=st.integers(0, 14),
    yearly=st.integers(0, 3),
    min_age=st.integers(0, 40).map(lambda days: Duration(days * DAY)),
)


def _kept(entries: list[Entry], policy: Policy, max_age: Duration = DAY, held: frozenset[str] = frozenset()) -> set[str]:
    return {one.id for one in decide(entries, policy, max_age, held, NOW) if one.keep}


@given(HISTORIES, POLICIES)
def test_every_backup_gets_exactly_one_verdict_with_a_reason(entries: list[Entry], policy: Policy) -> None:
    verdicts = decide(entries, policy, DAY, frozenset(), NOW)
    assert sorted(one.id for one in verdicts) == sorted(entry.id for entry in entries)
    assert all(str(one.because) for one in verdicts)


@given(HISTORIES, POLICIES)
def test_the_newest_proven_backup_and_the_newest_stay(entries: list[Entry], policy: Policy) -> None:
    kept = _kept(entries, policy)
    for some in ([entry for entry in entries if entry.proven], entries):
        if some:
            assert max(some, key=lambda entry: (entry.created, entry.id)).id in kept


@given(HISTORIES, POLICIES, st.data())
def test_a_held_backup_stays(entries: list[Entry], policy: Policy, data: st.DataObject) -> None:
    held = frozenset(entry.id for entry in entries if data.draw(st.booleans()))
    assert held <= _kept(entries, policy, held=held)


@given(HISTORIES, POLICIES, st.sampled_from(["last", "daily", "weekly", "monthly", "yearly"]))
def test_a_more_generous_policy_never_keeps_less(entries: list[Entry], policy: Policy, rule: str) -> None:
    more = Policy(**{**vars(policy), rule: getattr(policy, rule) + 1})
    assert _kept(entries, policy) <= _kept(entries, more)


@given(HISTORIES, POLICIES)
def test_what_stays_would_stay_again(entries: list[Entry], policy: Policy) -> None:
    kept = _kept(entries, policy)
    assert _kept([entry for entry in entries if entry.id in kept], policy) == kept


@given(HISTORIES, POLICIES)
def test_nothing_goes_while_the_newest_proven_one_is_overdue(entries: list[Entry], policy: Policy) -> None:
    young = any(entry.proven and (NOW - entry.created) <= timedelta(hours=2) for entry in entries)
    if not young:
        assert len(_kept(entries, policy, Duration(7200))) == len(entries)


@given(HISTORIES, POLICIES)
def test_nothing_goes_when_the_clock_went_back(entries: list[Entry], policy: Policy) -> None:
    future = [*entries, _entry(NOW + timedelta(seconds=1), 999, True)]
    assert len(_kept(future, policy)) == len(future)


@pytest.mark.covers("BKP-14")
def test_a_year_of_daily_backups_settles_to_the_tiers() -> None:
    start, entries = NOW - timedelta(days=730), list[Entry]()
    for day in range(731):
        now = start + timedelta(days=day)
        entries.append(_entry(now, day, True))
        kept = {one.id for one in decide(entries, Policy(), DAY, frozenset(), now) if one.keep}
        entries = [entry for entry in entries if entry.id in kept]
    ages = sorted((NOW - entry.created).days for entry in entries)
    assert ages[:7] == [0, 1, 2, 3, 4, 5, 6]
    assert len(entries) <= 7 + 8 + 12
    assert ages[-1] >= 11 * 29


@given(HISTORIES, POLICIES)
def test_nothing_goes_before_its_replacement_is_proven(entries: list[Entry], policy: Policy) -> None:
    kept = _kept(entries, policy)
    proven = [entry.created for entry in entries if entry.proven]
    assert all(entry.id in kept or (proven and entry.created <= max(proven)) for entry in entries)


@given(HISTORIES, POLICIES, st.data())
def test_what_a_person_holds_stays_until_the_hold_is_over(entries: list[Entry], policy: Policy, data: st.DataObject) -> None:
    ends = [data.draw(st.sampled_from([None, NOW - timedelta(days=1), NOW + timedelta(days=1)])) for _ in entries]
    holds = [Hold(entry.id, "ann", NOW, "an audit", end) for entry, end in zip(entries, ends, strict=True)]
    marked = [replace(entry, hold=hold) for entry, hold in zip(entries, holds, strict=True)]
    inside = {entry.id for entry, end in zip(entries, ends, strict=True) if end is None or end > NOW}
    assert _kept(entries, policy) | inside == _kept(marked, policy)


def test_when_a_backup_will_go_is_foreseen() -> None:
    daily = [_entry(NOW - timedelta(days=day), day, True) for day in range(7)]
    policy = Policy(last=1, daily=7, weekly=0, monthly=0, min_age=Duration(0))
    assert until(daily, policy, daily[0].id, NOW) == NOW + timedelta(days=7)
    assert until(daily, policy, daily[6].id, NOW) == NOW + timedelta(days=1)
    held = replace(daily[6], hold=Hold(daily[6].id, "ann", NOW, "an audit"))
    assert until([*daily[:6], held], policy, held.id, NOW) is None


def test_an_approved_backup_represents_its_month() -> None:
    days = [_entry(NOW - timedelta(days=60 + day), day, True) for day in range(10)]
    approval = Approval(days[5].id, "run", "ann", "administrator", NOW, "0")
    approved = [*days[:5], replace(days[5], approvals=(approval,)), *days[6:], _entry(NOW, 99, True)]
    policy = Policy(last=1, daily=0, weekly=0, monthly=12, min_age=Duration(0))
    assert days[5].id in _kept(approved, policy)
    assert days[5].id not in _kept([*days, _entry(NOW, 99, True)], policy)


@pytest.mark.covers("BKP-16")
def test_ninety_days_are_counted_by_when_a_backup_was_made_and_nothing_goes_once_backups_have_stopped() -> None:
    policy = Policy(last=1, daily=90, weekly=0, monthly=0, min_age=Duration(0))
    daily = [_entry(NOW - timedelta(days=day), day, True) for day in range(120)]
    assert _kept(daily, policy) == {entry.id for entry in daily[:90]}
    stopped = [entry for entry in daily if entry.created < NOW - timedelta(days=2)]
    assert _kept(stopped, policy) == {entry.id for entry in stopped}


@pytest.mark.covers("BKP-05")
def test_a_week_is_a_label_with_its_year_and_names_never_meet() -> None:
    days = [datetime(2024, 12, 30, 2, tzinfo=UTC), datetime(2025, 12, 29, 2, tzinfo=UTC), datetime(2026, 1, 4, 2, tzinfo=UTC)]
    entries = [_entry(at, 1, True) for at in days]
    kept = decide(entries, Policy(last=1, daily=0, weekly=60, monthly=0, min_age=Duration(0)), DAY, frozenset(), days[-1])
    assert [str(one.because) for one in kept if one.keep] == [
        "the newest proven backup",
        "weekly backup of 2025-W01, place 2 <= keep.weekly 60 (default)",
    ]
    assert len({entry.id for entry in entries}) == 3
