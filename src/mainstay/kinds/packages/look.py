"""Look at the packages of a system: nothing is fetched, no lock is taken, and what stayed the same is not asked again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath

from mainstay.kinds.kind import Session
from mainstay.kinds.packages import apt, changelogs, dpkg_log, system
from mainstay.kinds.packages.dpkg_log import Log, Upgrade
from mainstay.kinds.packages.facts import Deployed, Facts, Offer, Waiting
from mainstay.kinds.packages.patches import Installed, deployed, remembered
from mainstay.kinds.packages.settings import Settings
from mainstay.kinds.packages.system import LISTS, LOG, REBOOT, REFRESHED, File, System
from mainstay.kinds.packages.text import plain, zone
from mainstay.model.errors import Unreachable
from mainstay.system import clock

_INSTALLED = "-f=${Package}:${Architecture}\\t${Version}\\t${source:Version}\\t${db:Status-Want}\\t${db:Status-Status}\\n"
_HALF = ("unpacked", "half-configured", "half-installed")
_GONE = ("not-installed", "config-files")
_ZONE = "etc/localtime"

Packages = Mapping[str, Installed]


@dataclass(frozen=True)
class _Look:
    """What one look has found so far."""

    at: datetime
    there: System
    settings: Settings
    files: tuple[File, ...]
    last: Facts | None

    @property
    def since(self) -> datetime:
        return self.at - timedelta(seconds=self.settings.window)

    @property
    def seen(self) -> str:
        marks = "\n".join(one.mark for one in self.files)
        return hashlib.sha256(marks.encode("utf-8", "surrogateescape")).hexdigest()


def look(session: Session) -> Facts:
    """Return what was deployed and what waits; the previous answer when no file that it is from has changed."""
    settings: Settings = session.target.settings
    last: Facts | None = session.last
    there = system.of(session)
    now = _Look(clock.now(), there, settings, tuple(there.files()), last)
    if last and last.seen == now.seen and last.settings == settings and not last.problem:
        return replace(last, at=now.at, deployed=tuple(one for one in last.deployed if one.at >= now.since))
    return _asked(now)


def _asked(now: _Look) -> Facts:
    packages = {one.name: one for one in _installed(now.there)}
    log, unreadable = _log(now)
    waiting, problem = _waiting(now, packages)
    reboot = next((one.written for one in now.files if one.path == REBOOT), None)
    return Facts(
        at=now.at,
        settings=now.settings,
        seen=now.seen,
        deployed=tuple(_deployed(now, log.upgrades, packages)),
        waiting=waiting,
        problem=problem,
        waited=_before(now) if waiting is None else (),
        lists=_refreshed(now.files),
        held=tuple(one.name for one in packages.values() if one.held),
        unfinished=tuple(one.name for one in packages.values() if not one.whole),
        reboot=reboot,
        reboot_for=_reboot_for(now.there) if reboot else (),
        bad_lines=log.bad,
        bad=tuple(log.named),
        unreadable=unreadable,
    )


def _installed(there: System) -> Iterable[Installed]:
    for line in there.dpkg("-W", _INSTALLED).splitlines():
        name, version, source, want, state = line.split("\t")
        if state not in _GONE:
            yield Installed(name, version, source, want == "hold", state not in _HALF)


def _log(now: _Look) -> tuple[Log, tuple[str, ...]]:
    """Read the log and those of its rotations that reach into the window, oldest first."""
    wanted = sorted((one.written, one.path) for one in now.files if one.path.startswith(LOG) and one.written >= now.since)
    found = now.there.read([_ZONE, *(path for _, path in wanted)])
    texts = {path: plain(found[path]) for _, path in wanted if path in found}
    known = [(PurePosixPath(path).name, text) for path, text in texts.items() if text is not None]
    return dpkg_log.read(known, zone(found.get(_ZONE))), tuple(path for _, path in wanted if texts.get(path) is None)


def _deployed(now: _Look, upgrades: Iterable[Upgrade], packages: Packages) -> Iterable[Deployed]:
    """Yield the upgrades of the window; what an earlier look knows of one stays known, also when its changelog is gone."""
    known = {(one.name, one.new, one.at): one for one in _known(now)}
    before = {one.name: one.offers for one in _before(now)}
    wanted = [one for one in upgrades if one.at >= now.since]
    entries = changelogs.of({one.name for one in wanted if (one.name, one.new, one.at) not in known}, now.there)
    for one in wanted:
        offers: tuple[Offer, ...] = before.get(one.name, ())
        yield known.get((one.name, one.new, one.at)) or deployed(
            one, entries.get(one.name, ()), packages.get(one.name), offers, now.settings
        )


def _waiting(now: _Look, packages: Packages) -> tuple[tuple[Waiting, ...] | None, str]:
    """Return what waits; None and the reason when apt cannot say."""
    lists = {one.path.removeprefix(LISTS): one for one in now.files if one.path.startswith(LISTS)}
    if not any(name.endswith("Release") for name in lists):
        return None, "there are no lists of packages"
    try:
        known = _indexes(now.there, [name for name in lists if name.endswith("Release")])
        told = now.there.apt("apt-cache", "policy", *sorted(name.removesuffix(":all") for name in packages)) if packages else ""
    except Unreachable as error:
        return None, str(error)
    blocks = {_name(block.heading, packages): block for block in apt.blocks(told)}
    found = [_one(packages[name], block, known, now) for name, block in blocks.items() if name]
    waiting = sorted((one for one in found if one.offers), key=lambda one: one.name)
    return remembered(waiting, {one.name: one for one in _before(now)}), ""


def _one(package: Installed, block: apt.Block, known: Mapping[str, apt.Index], now: _Look) -> Waiting:
    """Say since when each version is known to be there: now, or since its list was made."""
    found = apt.available(block, package.version, known, now.settings)
    offers = tuple(Offer(one.version, min(one.made or now.at, now.at), one.security) for one in found)
    return Waiting(package.name, package.version, offers, package.held)


def _indexes(there: System, releases: list[str]) -> dict[str, apt.Index]:
    found = there.read(f"{LISTS}{name}" for name in releases)
    texts = {path.removeprefix(LISTS): content.decode("utf-8", "replace") for path, content in found.items()}
    return apt.indexes(there.apt("apt-get", "indextargets", "--format", apt.TARGETS, "Created-By: Packages"), texts)


def _name(heading: str, packages: Packages) -> str:
    """Return the package that a heading of policy means: that of the system's own architecture has none in its name."""
    if heading in packages:
        return heading
    return next((name for name in packages if name.rpartition(":")[0] == heading), "")


def _refreshed(files: Iterable[File]) -> datetime | None:
    """Return from when the lists are: a release is not younger than its file, whose time is that which the server gave it."""
    lists = [one.written for one in files if one.path.startswith(LISTS) and one.path.endswith("Release")]
    stamps = [one.written for one in files if one.path == REFRESHED]
    return max(lists + stamps) if lists else None


def _reboot_for(there: System) -> tuple[str, ...]:
    path = f"{REBOOT}.pkgs"
    text = there.read([path]).get(path, b"").decode("utf-8", "replace")
    return tuple(dict.fromkeys(text.split()))


def _before(now: _Look) -> tuple[Waiting, ...]:
    """Return what the newest answer of apt was before this look."""
    return (now.last.waiting or now.last.waited) if now.last else ()


def _known(now: _Look) -> tuple[Deployed, ...]:
    """Return what the previous look knew, if it was at the same system and meant the same by security."""
    if now.last and now.last.settings.root == now.settings.root and now.last.settings.security == now.settings.security:
        return tuple(one for one in now.last.deployed if one.published)
    return ()
