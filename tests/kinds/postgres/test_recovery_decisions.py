"""Which bases and log stay, and where a recovery begins: as properties, for archives of any shape."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mainstay.kinds.postgres.recovery import retention, segments
from mainstay.kinds.postgres.recovery.base import Base, Kept, Result
from mainstay.kinds.postgres.recovery.chain import before, follow
from mainstay.kinds.postgres.recovery.folder import Wal
from mainstay.kinds.postgres.recovery.segments import Timeline
from mainstay.kinds.postgres.settings import KeepBases
from mainstay.model.units import Duration, Size
from mainstay.vault.names import BackupId

NOW = datetime(2026, 11, 27, tzinfo=UTC)
SIZE = 1 << 24
Ages = list[tuple[int, bool, bool]]  # hours, proven, held
ages = st.lists(st.tuples(st.integers(-2, 400), st.booleans(), st.booleans()), max_size=12, unique_by=lambda one: one[0])
policies = st.builds(KeepBases, st.integers(1, 5), st.integers(0, 300).map(lambda hours: Duration(hours * 3600)))


def base(hours: int, timeline: int = 1) -> Base:
    """A base that was complete so many hours ago; each hour has written one segment."""
    at, number = NOW - timedelta(hours=hours), 1000 - hours
    start, end = f"0/{number << 24:X}" if number < 256 else f"{number >> 8:X}/{(number & 255) << 24:X}", ""
    id, end = BackupId.of(at, "db", f"run{hours}".replace("-", "m")), start[:-1] + "1"
    return Base(1, id, "7", 15, "15.1", "postgres", timeline, start, end, at, at, 9, Size(9), Size(9), "")


def kept(hours: int, *, proven: bool) -> Kept:
    one = base(hours)
    proof = Result(one.id, 15, "proof", NOW, "", NOW, "0/1", 2, 1, 1)
    return Kept(one, (proof,) if proven else ())


def decided(drawn: Ages, policy: KeepBases) -> list[retention.Verdict]:
    held = frozenset(base(hours).id for hours, _, is_held in drawn if is_held)
    return retention.decide([kept(hours, proven=proven) for hours, proven, _ in drawn], policy, held, NOW)


@given(ages, policies)
def test_every_base_is_judged_once_and_says_why(drawn: Ages, policy: KeepBases) -> None:
    verdicts = decided(drawn, policy)
    assert sorted(one.kept.base.id for one in verdicts) == sorted(base(hours).id for hours, _, _ in drawn)
    assert all(str(one.because) for one in verdicts)


@given(ages, policies)
def test_the_newest_proven_base_and_held_ones_are_never_dropped(drawn: Ages, policy: KeepBases) -> None:
    dropped = {one.kept.base.id for one in decided(drawn, policy) if not one.keep}
    proven = [hours for hours, is_proven, _ in drawn if is_proven]
    assert not dropped or base(min(proven)).id not in dropped
    assert not dropped & {base(hours).id for hours, _, held in drawn if held}


@given(ages, policies)
def test_the_log_of_every_base_that_stays_stays(drawn: Ages, policy: KeepBases) -> None:
    verdicts = decided(drawn, policy)
    first = retention.oldest_needed(verdicts, SIZE)
    stay = [one.kept.base.first(SIZE) for one in verdicts if one.keep]
    assert (first is None) == (not stay)
    assert all(first is not None and first <= number for number in stay)
    assert first is None or first in stay


@given(ages, policies)
def test_what_had_to_be_recoverable_stays_recoverable(drawn: Ages, policy: KeepBases) -> None:
    verdicts = decided(drawn, policy)
    moment = NOW - timedelta(seconds=policy.back)
    could = before((one.kept.base for one in verdicts), moment)
    can = before((one.kept.base for one in verdicts if one.keep), moment)
    assert could == can


@given(ages, policies, st.integers(0, 3), st.integers(0, 100))
def test_a_more_generous_policy_never_keeps_less(drawn: Ages, policy: KeepBases, bases: int, hours: int) -> None:
    generous = KeepBases(policy.bases + bases, Duration(policy.back + hours * 3600))
    less = {one.kept.base.id for one in decided(drawn, policy) if one.keep}
    more = {one.kept.base.id for one in decided(drawn, generous) if one.keep}
    assert less <= more


@given(st.sets(st.integers(600, 700), min_size=1), st.integers(600, 700))
def test_a_chain_ends_at_the_first_segment_that_is_missing_and_names_it(there: set[int], first: int) -> None:
    wal = Wal(SIZE, segments.stretches({(1, number): NOW for number in there}))
    chain = follow(wal, base(1000 - first))
    reached = [number for _, number in chain.places]
    assert reached == list(range(first, first + len(reached)))
    assert set(reached) <= there
    gap = first + len(reached)
    assert gap not in there
    wanted = "" if reached and not any(number > gap for number in there) else segments.name_of((1, gap), SIZE)
    assert chain.missing == wanted


@given(st.integers(601, 650), st.integers(0, SIZE - 1))
def test_a_chain_changes_over_to_the_timeline_that_was_promoted(switch: int, within: int) -> None:
    old = {(1, number): NOW for number in range(600, 660)}
    new = {(2, number): NOW for number in range(switch, 680)}
    timelines = (Timeline(2, ((1, switch * SIZE + within),)),)
    chain = follow(Wal(SIZE, segments.stretches({**old, **new}), timelines), base(400))
    assert chain.places == (*((1, number) for number in range(600, switch)), *((2, number) for number in range(switch, 680)))
    assert (chain.timeline, chain.missing) == (2, "")


@given(st.integers(0, 2**40), st.sampled_from([1 << 20, 1 << 24, 1 << 30]), st.integers(1, 2**31))
def test_the_name_of_a_segment_is_read_back(at: int, size: int, timeline: int) -> None:
    place = (timeline, at // size)
    assert segments.place_of(segments.name_of(place, size), size) == place
