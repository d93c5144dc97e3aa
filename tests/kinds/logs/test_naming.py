"""Names of parts, patterns, settings and what is read of logrotate's configuration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.kinds.logs import names
from mainstay.kinds.logs.discover import found
from mainstay.kinds.logs.facts import Facts, Part, Stream
from mainstay.kinds.logs.logrotate import parse
from mainstay.kinds.logs.retain import keep_or_drop
from mainstay.kinds.logs.settings import Reopen, Settings
from mainstay.kinds.logs.writers import handles
from mainstay.model.units import Duration, Size

AT = datetime(2026, 11, 4, 1, tzinfo=UTC)
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40)
MOMENTS = st.integers(0, 200_000_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
RESIDENCY = """/var/log/scheduler/*.log {
    daily
    rotate 30
    compress
    delaycompress
    create 0640 scheduler-user scheduler-group
    postrotate
        docker-compose exec backend kill -HUP $(cat ${PID})
    endscript
}
"""


@given(NAMES, MOMENTS, st.integers(0, 120))
def test_a_part_name_reads_back_and_is_never_taken(log: str, at: datetime, rotations: int) -> None:
    taken: list[str] = []
    for _ in range(rotations % 4):
        taken.append(names.free(log, at, taken) + (".zst" if rotations % 2 else ""))
    name = names.free(log, at, taken)
    part = names.parse(name)
    assert part
    assert (part.log, part.stamp, part.turn) == (log, at, rotations % 4 + 1)
    assert name not in {one.removesuffix(".zst") for one in taken}


@pytest.mark.parametrize(
    ("name", "log"),
    [("app.log.1", "app.log"), ("app.log.2.gz", "app.log"), ("app.log-20261104", "app.log"), ("app.log", ""), ("app-2.log", "")],
)
def test_parts_of_other_rotators_are_recognised(name: str, log: str) -> None:
    assert names.foreign(name) == log


@pytest.mark.parametrize(
    ("path", "pattern", "fits"),
    [
        ("/l/a.log", "/l/*.log", True),
        ("/l/b/a.log", "/l/*.log", False),
        ("/l/b/c/a.log", "/l/**/*.log", True),
        ("/l/a.log", "/l/**/*.log", True),
        ("/l/.a.log", "/l/*.log", False),
    ],
)
def test_a_star_stays_in_its_folder_and_two_stars_do_not(path: str, pattern: str, fits: bool) -> None:
    assert names.matches(path, pattern) is fits


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"paths": ()}, "at least one"),
        ({"paths": ("logs/*.log",)}, "absolute"),
        ({"append_only": True, "reopen": Reopen(pid=1)}, "choose one"),
        ({"mode": "rw-"}, "0640"),
        ({"max_age": Duration(5), "keep_at_least": Duration(9)}, "below keep_at_least"),
        ({"archive_keep": Duration(5), "keep_at_least": Duration(9)}, "below keep_at_least"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(wrong: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Settings(**{"paths": ("/l/*.log",), **wrong})


def test_a_reopening_names_one_process_or_a_command() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Reopen(pid=1, process="nginx")


def test_a_policy_of_logrotate_is_imported_with_what_is_left_to_say(tmp_path: Path) -> None:
    (tmp_path / "scheduler").write_text(RESIDENCY)
    one = found((tmp_path,), tmp_path / "none")[0]
    assert one.settings == {"paths": ["/var/log/scheduler/*.log"], "every": "1d", "keep": 30, "delay": 1, "mode": "0640"}
    assert "say in `reopen` which process" in one.comment
    assert parse("x", RESIDENCY)[0].scripted


@pytest.mark.parametrize(
    ("line", "number", "handled"), [("SigCgt:\t01", 1, True), ("SigBlk:\t200", 10, True), ("SigIgn:\t01", 1, False)]
)
def test_a_signal_is_handled_when_caught_or_waited_for_and_not_when_ignored(line: str, number: int, handled: bool) -> None:
    assert handles(line, number) is handled


PARTS = st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 1000)), unique_by=lambda pair: pair[0], max_size=12)


@given(PARTS, st.integers(1, 12), st.integers(0, 10**6), st.integers(1, 4000), st.integers(0, 10**6))
def test_every_part_is_kept_or_dropped_and_no_limit_is_passed(
    ages: list[tuple[int, int]], keep: int, max_age: int, cap: int, least: int
) -> None:
    parts = [Part(f"/l/a-{age}", AT - timedelta(seconds=age), size=Size(size)) for age, size in sorted(ages, reverse=True)]
    oldest, least_age = Duration(max_age + least), Duration(least)
    policy = Settings(("/l/*",), keep=keep, max_age=oldest, keep_at_least=least_age, total_cap=Size(cap))
    verdicts = keep_or_drop(Facts(AT, policy, (Stream("/l/a", parts=tuple(parts)),)))
    assert [verdict.part for verdict in verdicts] == parts
    free = [v for v in verdicts if v.keep and (AT - v.part.stamp).total_seconds() >= least]
    assert all((AT - v.part.stamp).total_seconds() >= least for v in verdicts if not v.keep)
    assert not free or sum(v.part.size for v in verdicts if v.keep) <= cap
    assert len(free) <= keep
