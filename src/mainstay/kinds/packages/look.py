"""Look at the packages of a system: nothing is fetched, no lock is taken, and what stayed the same is not asked again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
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


@dataclass(frozen=True)
class _Updates:
    """What apt says: what waits, or why it cannot be said, and from when its lists are."""

    waiting: tuple[Waiting, ...] | None = None
    problem: str = ""
    lists: datetime | None = None


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
    updates = _updates(now, packages)
    reboot = next((one.written for one in now.files if one.path == REBOOT), None)
    return Facts(
        at=now.at,
        settings=now.settings,
        seen=now.seen,
        logged=_logged(now, log),
        deployed=tuple(_deployed(now, log.upgrades, packages)),
        waiting=updates.waiting,
        problem=updates.problem,
        waited=_before(now) if updates.waiting is None else (),
        lists=updates.lists,
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


def _logged(now: _Look, log: Log) -> datetime | None:
    """Return since when the log tells something: its first line, or an older rotation that was not read."""
    older = [one.written for one in now.files if one.path.startswith(LOG) and one.written < now.since]
    return min([*older, *([log.since] if log.since else [])], default=None)


def _deployed(now: _Look, upgrades: Iterable[Upgrade], packages: Packages) -> list[Deployed]:
    """Return the upgrades of the window; what an earlier look knows stays known, also when changelog and log are gone."""
    last = _same(now)
    known = {(one.name, one.new, one.at): one for one in last.deployed if one.at >= now.since} if last else {}
    before = {one.name: one.offers for one in _before(now)}
    wanted = {(one.name, one.new, one.at): one for one in upgrades if one.at >= now.since}
    wanted = {key: one for key, one in wanted.items() if key not in known or not known[key].published}
    entries = changelogs.of({one.name for one in wanted.values()}, now.there)
    for key, one in wanted.items():
        offers: tuple[Offer, ...] = before.get(one.name, ())
        known[key] = deployed(one, entries.get(one.name, ()), packages.get(one.name), offers, now.settings)
    return sorted(known.values(), key=lambda one: (one.at, one.name))


def _updates(now: _Look, packages: Packages) -> _Updates:
    """Return what waits, and from when the lists are; without what waits, and with the reason, when apt cannot say."""
    releases = {one.path: one.written for one in now.files if one.path.startswith(LISTS) and one.path.endswith("Release")}
    if not releases:
        return _Updates(problem="there are no lists of packages")
    stamps = [one.written for one in now.files if one.path == REFRESHED]
    try:
        known = _indexes(now.there, releases)
        told = now.there.apt("apt-cache", "policy", *sorted(name.removesuffix(":all") for name in packages)) if packages else ""
    except Unreachable as error:
        return _Updates(problem=str(error), lists=max([*releases.values(), *stamps]))
    waiting = sorted(_waiting(now, packages, list(apt.blocks(told)), known), key=lambda one: one.name)
    lists = [one for one in (apt.refreshed(known.values(), now.settings), *stamps) if one]
    return _Updates(remembered(waiting, {one.name: one for one in _before(now)}), "", max(lists, default=None))


def _waiting(now: _Look, packages: Packages, blocks: list[apt.Block], known: Mapping[str, apt.Index]) -> Iterator[Waiting]:
    """Yield what waits; since when each version is known to be there is now, or since its list was made.

    The heading of a package of the system's own architecture has none in its name.
    """
    headings = {block.heading for block in blocks}
    own = {name.rpartition(":")[0]: name for name in packages if name not in headings}
    for block in blocks:
        name = block.heading if block.heading in packages else own.get(block.heading, "")
        if name:
            one = packages[name]
            found = apt.available(block, one.version, known, now.settings)
            offers = tuple(Offer(each.version, min(each.made or now.at, now.at), each.security) for each in found)
            if offers:
                yield Waiting(name, one.version, offers, one.held)


def _indexes(there: System, written: Mapping[str, datetime]) -> dict[str, apt.Index]:
    texts = there.read(written)
    releases = {
        path.removeprefix(LISTS): apt.Release(texts.get(path, b"").decode("utf-8", "replace"), at) for path, at in written.items()
    }
    return apt.indexes(there.apt("apt-get", "indextargets", "--format", apt.TARGETS, "Created-By: Packages"), releases)


def _reboot_for(there: System) -> tuple[str, ...]:
    path = f"{REBOOT}.pkgs"
    text = there.read([path]).get(path, b"").decode("utf-8", "replace")
    return tuple(dict.fromkeys(text.split()))


def _before(now: _Look) -> tuple[Waiting, ...]:
    """Return what the newest answer of apt was before this look."""
    last = _same(now)
    return (last.waiting or last.waited) if last else ()


def _same(now: _Look) -> Facts | None:
    """Return the previous look, if it was at the same system and meant the same by security."""
    last, settings = now.last, now.settings
    return last if last and (last.settings.root, last.settings.security) == (settings.root, settings.security) else None
