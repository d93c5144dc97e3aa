"""Compression, archive and retention of real files: nothing goes before its replacement is proven."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from backports import zstd

from mainstay.kinds.kind import Session
from mainstay.kinds.logs import KIND, frames
from mainstay.model.errors import StepFailed
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from tests.kinds.logs.conftest import LINE, do, observe, old_part, plan, run, session, settings, tmpfs

DAY = 86400


@pytest.mark.covers("LOG-06")
def test_a_compressed_part_keeps_content_owner_mode_and_time(folder: Path) -> None:
    part = old_part(folder, 2, b"".join(LINE % number for number in range(100_000)))
    os.chown(part, 1234, 1235)
    part.chmod(0o640)
    os.utime(part, ns=(5, 7_000_000_000))
    content = part.read_bytes()
    run("compress", settings(folder, delay=0))
    packed = part.with_name(part.name + ".zst")
    assert zstd.decompress(packed.read_bytes()) == content
    seen = packed.stat()
    assert (seen.st_uid, seen.st_gid, seen.st_mode & 0o777, seen.st_mtime_ns) == (1234, 1235, 0o640, 7_000_000_000)
    assert os.listdir(folder) == [packed.name]


def test_each_frame_stands_alone(folder: Path) -> None:
    part = old_part(folder, 2, bytes(frames.FRAME) + b"second frame")
    run("compress", settings(folder, delay=0))
    packed = part.with_name(part.name + ".zst").read_bytes()
    first = zstd.get_frame_size(packed)
    assert zstd.decompress(packed[first:]) == b"second frame"


@pytest.mark.covers("LOG-06")
def test_a_part_that_is_still_written_to_is_not_compressed(folder: Path) -> None:
    with open(old_part(folder, 2), "a"):
        steps, skips = plan("compress", settings(folder, delay=0))
    assert not steps
    assert "open for writing" in str(skips[0].because)


def test_a_part_opened_since_the_plan_is_not_compressed(folder: Path) -> None:
    part, given = old_part(folder, 2), settings(folder, delay=0)
    step = plan("compress", given)[0][0]
    with open(part, "a"), pytest.raises(StepFailed, match="open for writing"):
        do("compress", given, step)
    assert os.listdir(folder) == [part.name]


def test_a_part_replaced_by_a_link_since_the_plan_is_left_alone(folder: Path, tmp_path: Path) -> None:
    part, given = old_part(folder, 2), settings(folder, delay=0)
    step = plan("compress", given)[0][0]
    part.rename(tmp_path / "moved")
    part.symlink_to(tmp_path / "moved")
    with pytest.raises(StepFailed, match="symbolic links"):
        do("compress", given, step)
    assert (tmp_path / "moved").exists()


@pytest.mark.covers("LOG-07")
def test_parts_of_one_name_from_two_folders_do_not_meet_in_the_archive(folder: Path, tmp_path: Path) -> None:
    for inner in ("a", "b"):
        (folder / inner).mkdir(mode=0o755)
        old_part(folder / inner, 40, b"2026-10-0%d 10:00:00 from %s\n" % (ord(inner) - 96, inner.encode()))
    given = settings(folder, paths=(f"{folder}/*/*.log",), delay=0, archive=tmp_path / "archive")
    run("compress", given)
    run("archive", given)
    entries = observe(given).archived
    contents = {zstd.decompress((tmp_path / "archive" / entry.part).read_bytes()) for entry in entries}
    assert contents == {b"2026-10-01 10:00:00 from a\n", b"2026-10-02 10:00:00 from b\n"}
    assert [(entry.first, entry.last, entry.content) for entry in entries] == [
        ("2026-10-01", "2026-10-01", 27),
        ("2026-10-02", "2026-10-02", 27),
    ]
    assert not os.listdir(folder / "a")


@pytest.mark.covers("LOG-05")
def test_nothing_is_dropped_before_it_is_archived(folder: Path, tmp_path: Path) -> None:
    part = old_part(folder, 100)
    given = settings(folder, max_age=Duration(10 * DAY), archive=tmp_path / "archive", delay=0)
    steps, skips = plan("retention", given)
    assert not steps
    assert str(skips[0].because) == "not archived yet: the archive comes first"
    run("compress", given)
    run("archive", given)
    assert not part.exists()
    assert len(observe(given).archived) == 1


@pytest.mark.covers("LOG-05")
def test_quiet_and_empty_live_logs_are_never_dropped(folder: Path) -> None:
    (folder / "quiet.log").write_text("")
    os.utime(folder / "quiet.log", (0, 0))
    expired = old_part(folder, 31)
    given = settings(folder, max_age=Duration(30 * DAY))
    assert [step.args["path"] for step in run("retention", given)] == [str(expired)]
    assert os.listdir(folder) == ["quiet.log"]


def test_an_expired_part_that_is_open_or_held_is_kept(folder: Path) -> None:
    part, given = old_part(folder, 31), settings(folder, max_age=Duration(30 * DAY))
    with open(part, "a"):
        assert not plan("retention", given)[0]
    assert not plan("retention", given, held=frozenset({str(part)}))[0]
    assert plan("retention", given)[0]


@pytest.mark.covers("LOG-08")
def test_archived_parts_go_by_age_but_never_below_the_legal_minimum(folder: Path, tmp_path: Path) -> None:
    for days in (50, 100):
        old_part(folder, days)
    given = settings(folder, delay=0, archive=tmp_path, keep_at_least=Duration(90 * DAY), archive_keep=Duration(90 * DAY))
    run("compress", given)
    run("archive", given)
    dropped = run("retention", given)
    assert len(dropped) == len(observe(given).archived) == 1
    assert len(list(tmp_path.rglob("app.log-*"))) == 1


def test_a_damaged_part_is_not_archived(folder: Path, tmp_path: Path) -> None:
    part, given = old_part(folder, 40, LINE % 1 * 1000), settings(folder, delay=0, archive=tmp_path / "archive")
    run("compress", given)
    packed = part.with_name(part.name + ".zst")
    packed.write_bytes(packed.read_bytes()[:-5])
    with pytest.raises(StepFailed, match="cut off"):
        run("archive", given)
    assert packed.exists()
    assert not observe(given).archived


def test_a_torn_line_of_the_catalogue_is_passed_over(folder: Path, tmp_path: Path) -> None:
    given = settings(folder, delay=0, archive=tmp_path / "archive")
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "catalogue.jsonl").write_text('{"stream": "/var/lo')
    old_part(folder, 40)
    run("compress", given)
    run("archive", given)
    lines = (tmp_path / "archive" / "catalogue.jsonl").read_text().splitlines()
    assert len(observe(given).archived) == 1
    assert json.loads(lines[1])["stream"] == f"{folder}/app.log"


@pytest.mark.parametrize("task", ["compress", "archive"])
def test_a_full_disk_leaves_everything_as_it_was(tmp_path: Path, task: str) -> None:
    with tmpfs(tmp_path / "small", "1m,mode=755") as folder:
        given = settings(folder, delay=0, archive=folder / "archive")
        part = old_part(folder, 40, os.urandom(600_000))
        if task == "archive":
            part.rename(folder / f"{part.name}.zst")
        before = {path: path.read_bytes() for path in folder.glob("app*")}
        with pytest.raises(StepFailed, match=r"no space left .*needs 600 kB, 4\d\d kB") as failed:
            run(task, given)
        assert part.name in failed.value.on
        assert {path: path.read_bytes() for path in folder.glob("app*")} == before
        assert not list(folder.rglob(".*"))


def test_a_cancelled_compression_leaves_no_trace(folder: Path) -> None:
    part, given = old_part(folder, 2, bytes(5 << 20)), settings(folder, delay=0)
    step = plan("compress", given)[0][0]
    opened = session(given)
    stopped = Session(opened.target, type(opened.door)(stop=lambda: True))
    with pytest.raises(StepFailed, match="cancelled"):
        KIND.task("compress").apply(stopped, step, Deadline(step.deadline))
    assert os.listdir(folder) == [part.name]


@pytest.mark.covers("LOG-18")
def test_the_report_lists_streams_parts_archive_and_what_nobody_cares_for(folder: Path, tmp_path: Path) -> None:
    (folder / "app.log").write_text("line\n")
    (folder / "app.log.1").write_text("of logrotate\n")
    (folder / "app.log").chmod(0o666)
    for days in (1, 40):
        old_part(folder, days)
    given = settings(folder, delay=0, archive=tmp_path / "archive")
    run("compress", given)
    run("archive", given)
    facts = observe(given)
    lines = [str(finding) for task in ("report", "check") for finding in KIND.task(task).assess(facts, KIND.task(task).params())]
    told = "\n".join(lines)
    for text in ("live 5 B; 1 parts", "1 archived", "writable by everybody: 0666", "orphans_of_another_rotator 1 > 0", "total"):
        assert text in told


@pytest.mark.covers("LOG-10")
def test_size_total_and_growth_since_the_last_rotation_are_compared_with_their_limits(folder: Path) -> None:
    (folder / "app.log").write_bytes(bytes(1_000_000))
    (folder / "error.log").write_bytes(bytes(2_000_000))
    old_part(folder, 0.5)
    given = settings(folder, max_growth=1_500_000, max_file=1_500_000, max_total=2_000_000)
    found = [str(one) for one in KIND.task("check").assess(observe(given), KIND.task("check").params())]
    for text in (
        "app.log: growth_a_day 2 MB > max_growth 1.5 MB",
        "error.log: size 2 MB > max_file 1.5 MB",
        "total 3 MB > max_total",
    ):
        assert any(text in line for line in found)


def test_an_empty_part_becomes_an_empty_frame(folder: Path) -> None:
    part = old_part(folder, 2, b"")
    run("compress", settings(folder, delay=0))
    assert zstd.decompress(part.with_name(part.name + ".zst").read_bytes()) == b""
