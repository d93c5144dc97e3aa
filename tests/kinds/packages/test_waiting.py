"""What waits, against the real apt: since when, whether it closes a hole, and whether the lists can be trusted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mainstay.kinds.packages.facts import Facts, Waiting
from mainstay.model.errors import Unreachable
from tests.kinds.packages.conftest import Look, figures, later, told
from tests.live.debian import Debian, Entry, ago, run

OLD = Entry("1.0-1", ago(2000))
SECURITY = "bookworm-security"


def only(facts: Facts) -> Waiting:
    assert facts.waiting is not None
    [one] = facts.waiting
    return one


@pytest.fixture
def web(system: Debian) -> Debian:
    """The system, with a package of which newer versions can be published."""
    system.install(system.build("web", "1.0-1", [OLD]))
    return system


def newer(system: Debian, version: str, suite: str = SECURITY, *, at: float, name: str = "web") -> None:
    system.publish(suite, system.build(name, version, [OLD]), at=ago(at))


@pytest.mark.parametrize(
    ("hours", "level"), [(23, []), (25, ["WARNING waiting for 1d1h > limits.security_warning 1d (default)"])]
)
def test_a_security_update_that_waits_a_day_is_a_warning(web: Debian, look: Look, hours: int, level: list[str]) -> None:
    newer(web, "1.0-2", at=hours)
    facts = look()
    assert [one.partition(" --")[0] for one in told(facts, "security updates")] == level
    assert figures(facts)["waiting security"] == 1
    assert round(figures(facts)["oldest waiting security"] / 3600) == hours


def test_one_that_waits_two_days_is_critical_and_named(web: Debian, look: Look) -> None:
    newer(web, "1.0-2", at=49)
    [found] = told(look(), "security updates")
    assert found.startswith(
        "CRITICAL waiting for 2d1h > limits.security_critical 2d (default) -- 1: web 1.0-1 -> 1.0-2, for 2d1h"
    )


def test_other_updates_may_wait_longer(web: Debian, look: Look) -> None:
    newer(web, "1.0-2", "bookworm", at=24 * 29)
    facts = look()
    assert not told(facts, "other updates")
    assert told(later(facts, days=2), "other updates")[0].startswith("WARNING waiting for 31d > limits.other 30d (default)")


def test_a_fix_below_the_newest_version_is_a_fix(web: Debian, look: Look) -> None:
    newer(web, "1.0-2", at=60)
    newer(web, "1.0-3", "bookworm", at=2)
    one = only(look())
    assert [(offer.version, offer.security) for offer in one.offers] == [("1.0-3", False), ("1.0-2", True)]
    assert (one.security, round(look().age(one.since) / 3600)) == (True, 60)


def test_the_wait_does_not_begin_anew_when_a_newer_version_takes_the_place(web: Debian, look: Look) -> None:
    newer(web, "1.0-2", at=60)
    before = look()
    web.suites[SECURITY].clear()
    newer(web, "1.0-3", at=1)
    facts = look(before)
    assert [offer.version for offer in only(facts).offers] == ["1.0-3", "1.0-2"]
    assert round(facts.age(only(facts).since) / 3600) == 60
    assert round(look().age(only(look()).since) / 3600) == 1  # without memory


def test_an_own_archive_can_mean_security(web: Debian, look: Look) -> None:
    newer(web, "1.0-2", "hotfixes", at=60)
    assert not only(look()).security
    assert only(look(security=("*-security", "HOT*"))).security


def test_what_is_held_or_kept_back_waits_all_the_same(web: Debian, look: Look) -> None:
    run("dpkg", f"--root={web.root}", f"--log={web.log}", "--set-selections", stdin="web hold\n")
    newer(web, "1.0-2", at=60)
    assert "1.0-2" not in web.apt("--simulate", "dist-upgrade").partition("Inst")[2]
    facts = look()
    assert (facts.held, only(facts).held) == (("web:amd64",), True)
    assert "web 1.0-1 -> 1.0-2 (held)" in told(facts, "security updates")[0]
    (web.root / "etc/apt/preferences.d/pin").write_text("Package: web\nPin: version 1.0-1\nPin-Priority: 1001\n")
    assert look().waiting == ()
    (web.root / "etc/apt/preferences.d/pin").write_text("Package: web\nPin: version *\nPin-Priority: -1\n")
    assert look().waiting == ()  # apt would install none of them


def test_old_lists_prove_nothing_and_none_are_not_nothing(web: Debian, look: Look) -> None:
    newer(web, "0.9-1", "bookworm", at=24 * 31)
    facts = look()
    assert facts.waiting == ()
    [old] = told(facts, "updates")
    assert old.startswith("WARNING lists of packages are of 31d > limits.lists 3d (default)")
    stamp = web.root / "var/lib/apt/periodic/update-success-stamp"
    stamp.parent.mkdir()
    stamp.touch()
    assert not told(look(facts), "updates")
    for path in (web.root / "var/lib/apt/lists").glob("*Release"):
        path.unlink()
    assert told(look(), "updates") == ["UNKNOWN it is not known what waits: there are no lists of packages -- apt-get update"]
    assert "waiting" not in figures(look())


def test_lists_of_security_that_are_old_are_not_excused_by_fresh_other_ones(web: Debian, look: Look) -> None:
    newer(web, "0.9-1", at=24 * 5)
    newer(web, "0.9-2", "bookworm", at=1)
    assert told(look(), "updates")[0].startswith("WARNING lists of packages are of 5d > limits.lists 3d (default)")


def test_apt_that_cannot_answer_costs_what_waits_and_nothing_else(web: Debian, look: Look) -> None:
    newer(web, "1.0-2", at=1)
    web.apt("upgrade")
    (web.root / "etc/apt/sources.list").write_text("deb [this is no source\n")
    facts = look()
    assert told(facts, "updates")[0].startswith("UNKNOWN it is not known what waits: apt-get gives no answer (this host): E: ")
    assert [one.new for one in facts.deployed] == ["1.0-2"]


def test_the_wait_goes_on_while_apt_does_not_answer(web: Debian, look: Look) -> None:
    newer(web, "1.0-2", at=60)
    before, sources = look(), web.root / "etc/apt/sources.list"
    known = sources.read_text()
    sources.write_text("deb [this is no source\n")
    silent = look(look(before))
    assert silent.waiting is None
    sources.write_text(known)
    newer(web, "1.0-2.1", at=1)
    web.suites[SECURITY].pop(0)
    facts = look(silent)
    assert round(facts.age(only(facts).since) / 3600) == 60


def test_a_reboot_and_a_half_done_installation_are_told(web: Debian, look: Look) -> None:
    (web.root / "run/reboot-required").touch()
    (web.root / "run/reboot-required.pkgs").write_text("linux-image-6.1\nlibc6\nlibc6\n")
    run("dpkg", f"--root={web.root}", f"--log={web.log}", "--unpack", str(web.build("web", "1.0-2", [OLD])))
    facts = look()
    assert facts.reboot_for == ("linux-image-6.1", "libc6")
    assert told(facts, "reboot")[0].endswith("-- linux-image-6.1, libc6")
    assert told(facts, "dpkg") == ["WARNING installation not finished: web:amd64 -- dpkg --configure --pending"]
    assert facts.deployed == ()


def test_a_look_changes_nothing(web: Debian, look: Look) -> None:
    newer(web, "1.0-2", at=30)
    for cache in (web.root / "var/cache/apt").glob("*.bin"):
        cache.unlink()  # apt would write it anew
    before = _tree(web.root)
    look(look())
    assert _tree(web.root) == before


def test_what_has_not_changed_is_not_asked_again(
    web: Debian, look: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer(web, "1.0-2", at=30)
    facts, everything = look(), os.environ["PATH"]
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/find").symlink_to(shutil.which("find") or "")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    again = look(facts)
    assert (again.at > facts.at, again.waiting) == (True, facts.waiting)
    with pytest.raises(Unreachable, match="dpkg-query"):
        look(facts, security=("other",))
    monkeypatch.setenv("PATH", everything)
    web.apt("upgrade")
    assert look(facts).waiting == ()


def test_a_root_without_dpkg_is_unreachable(web: Debian, look: Look) -> None:
    (web.root / "var/lib/dpkg/status").unlink()
    with pytest.raises(Unreachable, match="no database of dpkg"):
        look()


def _tree(root: Path) -> dict[str, tuple[int, float]]:
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime) for path in root.rglob("*")}
