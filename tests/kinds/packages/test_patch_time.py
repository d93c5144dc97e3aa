"""From publication to deployment, against the real dpkg and apt: what was deployed, and since when it could have been."""

from __future__ import annotations

import gzip
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mainstay.kinds.packages import dpkg_log
from mainstay.kinds.packages.dpkg_log import Upgrade
from mainstay.kinds.packages.facts import Deployed, Facts, Offer
from mainstay.kinds.packages.patches import deployed
from mainstay.kinds.packages.settings import Settings
from mainstay.model.because import Level
from tests.kinds.packages.conftest import Look, figures, later, told
from tests.live.debian import Debian, Entry, ago, written

HOUR = 3600
OLD = Entry("1.0-1", ago(2000))


def hours(one: Deployed) -> float:
    """Return the patch time in hours, rounded: a test takes less than half of one."""
    assert one.took is not None
    return round(one.took / HOUR)


def only(facts: Facts) -> Deployed:
    [one] = facts.deployed
    return one


def upgraded(system: Debian, *newer: Entry, **more: str) -> None:
    """Install 1.0-1, then the newest of these entries."""
    system.install(system.build("web", OLD.version, [OLD], **more))
    system.install(system.build("web", newer[0].version, [*newer, OLD], **more))


def test_the_first_fix_of_several_versions_decides_also_when_a_later_one_was_deployed(system: Debian, look: Look) -> None:
    fix = Entry("1.0-1+deb12u1", ago(60), "bookworm-security", "high")
    upgraded(system, Entry("1.0-3", ago(5)), fix, Entry("1.0-1+early", ago(90)))
    facts = look()
    one = only(facts)
    assert (one.name, one.old, one.new) == ("web:amd64", "1.0-1", "1.0-3")
    assert (one.security, one.urgency, one.known_by, one.published) == (True, "high", "changelog", fix.at)
    assert hours(one) == 60
    [late] = told(facts, "patch time")
    assert late.startswith(
        "WARNING deployed after 2d12h > limits.security_critical 2d (default) -- web 1.0-1 -> 1.0-3 after 2d12h"
    )
    assert not told(later(facts, days=8), "patch time")
    assert len(later(facts, days=8).late()) == 1


def test_what_is_no_security_counts_from_its_first_version_and_is_never_late(system: Debian, look: Look) -> None:
    upgraded(system, Entry("1.0-3", ago(5)), Entry("1.0-2", ago(900)))
    facts = look()
    assert (only(facts).security, hours(only(facts))) == (False, 900)
    assert not told(facts, "patch time")
    assert figures(facts)["other patches"] == 1


def test_a_package_of_its_own_source_a_rebuild_and_an_epoch_have_their_dates(system: Debian, look: Look) -> None:
    for name, old, new in (("native", "1.0", "1.1"), ("epoch", "1:1.0-1", "1:1.0-1+deb12u1")):
        entries = [Entry(version.removeprefix("1:"), ago(30)) for version in (new, old)]
        for number, version in ((1, old), (0, new)):
            system.install(system.build(name, version, entries[number:]))
    again = {"changelog.Debian.amd64.gz": written("again", [Entry("1.0-1+b2", ago(7), "bookworm", "low")])}
    for version, more in (("1.0-1+b1", {}), ("1.0-1+b2", again)):
        system.install(system.build("again", version, [OLD], **more))
    found = {one.name: hours(one) for one in look().deployed}
    assert found == {"native:amd64": 30, "epoch:amd64": 30, "again:amd64": 7}


def test_a_package_with_numbers_of_its_own_counts_by_the_version_of_its_source(system: Debian, look: Look) -> None:
    source = [Entry("2.03-3", ago(20), "bookworm-security"), Entry("2.03-2", ago(99)), Entry("1.02-4", ago(999))]
    system.install(system.build("tool", "2:1.02-1", source[1:], source="suite (2.03-2)"))
    system.install(system.build("tool", "2:1.02-2", source, source="suite (2.03-3)"))
    assert (hours(only(look())), only(look()).security) == (20, True)


def test_without_a_changelog_it_counts_from_the_first_time_it_was_seen_waiting(system: Debian, look: Look) -> None:
    system.install(system.build("web", "1.0-1", []))
    system.publish("bookworm-security", system.build("web", "1.0-2", []), at=ago(50), label="Debian-Security")
    waiting = look()
    system.publish("bookworm-security", system.build("web", "1.0-3", []), at=ago(3), label="Debian-Security")
    again = look(waiting)
    system.apt("upgrade")
    facts = look(again)
    one = only(facts)
    assert (one.new, one.known_by, one.security, hours(one)) == ("1.0-3", "first seen", True, 50)
    system.publish("bookworm", at=ago(0))
    assert only(look(facts)) == one  # it stays known, though nothing waits any more
    assert "1 of them counted from when they were first seen" in told(facts, "patch time", least=Level.OK)[1]


def test_what_nobody_knows_is_counted_and_never_guessed(system: Debian, look: Look) -> None:
    system.install(system.build("web", "1.0-1", []))
    system.install(system.build("web", "1.0-2", [Entry("1.0-2", ago(-9)), OLD]))  # dated after its deployment
    facts = look()
    assert (only(facts).published, only(facts).took, only(facts).security) == (None, None, False)
    assert figures(facts)["publication not known"] == 1
    assert "other patch time, median" not in figures(facts)


def test_what_is_no_finished_upgrade_of_an_installed_package_does_not_count(system: Debian, look: Look) -> None:
    new = system.build("web", "1.0-2", [Entry("1.0-2", ago(9)), OLD])
    system.install(system.build("web", "1.0-1", [OLD]))
    system.install(system.build("fresh", "1.0-1", [OLD]))
    assert look().deployed == ()  # they were installed
    system.install(new)
    system.install(new)  # the same once more
    system.install(system.build("web", "1.0-0", [OLD]))  # and back
    assert [one.new for one in look().deployed] == ["1.0-2"]


def test_an_upgrade_that_was_taken_back_is_none() -> None:
    began, ended = "2026-01-01 00:00:00 upgrade web:amd64 1.0-1 1.0-2", "2026-01-01 00:00:01 status installed web:amd64"
    for version, count in (("1.0-1", 0), ("1.0-2", 1)):
        assert len(dpkg_log.read([("dpkg.log", f"{began}\n{ended} {version}\n")], UTC).upgrades) == count


def test_what_was_seen_waiting_only_after_an_upgrade_says_nothing_about_it() -> None:
    upgrade = Upgrade("web:amd64", "1.0-1", "1.0-2", ago(10))
    seen = [Offer("1.0-2", ago(9), security=True), Offer("1.0-1", ago(99), security=True)]
    assert deployed(upgrade, [], None, seen, Settings()).published is None
    assert deployed(upgrade, [], None, [Offer("1.0-2", ago(11))], Settings()).known_by == "first seen"


def test_the_log_is_read_with_its_rotations_in_the_time_zone_of_the_system(tmp_path: Path, look: Look, system: Debian) -> None:
    system.zone = "Asia/Kathmandu"
    (system.root / "etc/localtime").unlink()
    shutil.copy("/usr/share/zoneinfo/Asia/Kathmandu", system.root / "etc/localtime")
    upgraded(system, Entry("1.0-2", ago(10)))
    system.log.with_name("dpkg.log.2.gz").write_bytes(gzip.compress(system.log.read_bytes()))
    system.log.unlink()
    system.install(system.build("web", "1.0-3", [Entry("1.0-3", ago(4)), Entry("1.0-2", ago(10)), OLD]))
    system.log.rename(system.log.with_name("dpkg.log.1"))
    system.log.touch()
    assert [(one.new, hours(one)) for one in look().deployed] == [("1.0-2", 10), ("1.0-3", 4)]


def test_an_hour_that_comes_twice_is_the_later_one() -> None:
    lines = "2026-10-25 02:29:00 upgrade web:amd64 1.0-1 1.0-2\n2026-10-25 02:30:00 status installed web:amd64 1.0-2\n"
    [one] = dpkg_log.read([("dpkg.log", lines)], ZoneInfo("Europe/Berlin")).upgrades
    assert one.at == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_lines_that_cannot_be_read_are_counted_and_named_and_nothing_else_is_lost(system: Debian, look: Look) -> None:
    upgraded(system, Entry("1.0-2", ago(10)))
    text = system.log.read_text()
    system.log.write_text(f"\0\0\0\n2026-13-01 99:00:00 upgrade a b c\n{text}2026-01-01 00:00:00 upgrade web\n")
    facts = look()
    last = len(text.splitlines()) + 3
    assert (facts.bad_lines, facts.bad) == (3, ("dpkg.log:1", "dpkg.log:2", f"dpkg.log:{last}"))
    assert only(facts).new == "1.0-2"
    system.log.with_name("dpkg.log.1.gz").write_bytes(gzip.compress(text.encode())[:-9])
    assert look().unreadable == ("var/log/dpkg.log.1.gz",)


def test_upgrades_outside_the_window_do_not_count(system: Debian, look: Look) -> None:
    upgraded(system, Entry("1.0-2", ago(10)))
    old = system.log.read_text().replace(system.log.read_text()[:10], "2020-01-01")
    system.log.write_text(old)
    assert look().deployed == ()
    os.utime(system.log, (0, 0))
    assert look().deployed == ()


def test_what_is_known_outlives_the_log_that_it_is_from(system: Debian, look: Look) -> None:
    upgraded(system, Entry("1.0-2", ago(10)))
    facts = look()
    assert facts.logged is not None
    system.log.unlink()
    again = look(facts)
    assert (again.logged, again.deployed) == (None, facts.deployed)
    assert told(again, "dpkg.log")[0].startswith("WARNING dpkg has no log")
    assert look().deployed == ()
    old = system.log.with_name("dpkg.log.9")
    old.touch()
    os.utime(old, (0, 0))
    assert look().logged == datetime.fromtimestamp(0, UTC)


@pytest.mark.parametrize("damage", ["", "web (1.0-2) bookworm; urgency=low\n -- nobody\n", "\0" * 9999])
def test_a_changelog_that_says_nothing_is_as_good_as_none(system: Debian, look: Look, damage: str) -> None:
    upgraded(system, Entry("1.0-2", ago(10)))
    (system.root / "usr/share/doc/web/changelog.Debian.gz").write_bytes(gzip.compress(damage.encode())[: len(damage) + 9])
    assert only(look()).published is None
