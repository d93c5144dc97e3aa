"""When the versions that were deployed had been published: decided from changelogs and from what was seen waiting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mainstay.kinds.packages.changelog import Entry
from mainstay.kinds.packages.dpkg_log import Upgrade
from mainstay.kinds.packages.facts import Deployed, Offer, Waiting
from mainstay.kinds.packages.settings import Settings
from mainstay.kinds.packages.versions import newer, rebuilt, without_epoch


@dataclass(frozen=True)
class Installed:
    """A package as dpkg knows it; `source` is the version of its source, by which its changelog counts."""

    name: str
    version: str
    source: str
    held: bool = False
    whole: bool = True

    @property
    def numbered_apart(self) -> bool:
        """Whether its versions are not those of its source, but for an epoch or the mark of a rebuild."""
        return without_epoch(rebuilt(self.source)) != without_epoch(rebuilt(self.version))


def deployed(
    upgrade: Upgrade, changelog: Iterable[Entry], installed: Installed | None, seen: Iterable[Offer], settings: Settings
) -> Deployed:
    """Say since when an upgrade was published: of its versions the first that closes a hole, else the first.

    An entry that is dated after the deployment cannot be that of this upgrade and does not count. Without a changelog it is
    the moment at which one of the versions was first seen waiting.
    """
    entries = [one for one in _between(upgrade, changelog, installed) if one.published <= upgrade.at]
    offers = [one for one in seen if one.since <= upgrade.at and _lies(one.version, upgrade)]
    fixes = [one for one in entries if settings.means_security(*one.suites)]
    secure = [one for one in offers if one.security]
    known = Deployed(upgrade.name, upgrade.old, upgrade.new, upgrade.at, security=bool(fixes or secure))
    if entries:
        first = min(fixes or entries, key=lambda one: one.published)
        return replace(known, published=first.published, urgency=first.urgency, known_by="changelog")
    if offers:
        return replace(known, published=min(one.since for one in secure or offers), known_by="first seen")
    return known


def remembered(waiting: Iterable[Waiting], before: Mapping[str, Waiting]) -> tuple[Waiting, ...]:
    """Add what was seen waiting before: a version keeps its first moment, also when a newer one has taken its place."""
    return tuple(_remembered(one, before.get(one.name)) for one in waiting)


def _remembered(now: Waiting, before: Waiting | None) -> Waiting:
    offers = {one.version: one for one in now.offers}
    for old in before.offers if before else ():
        if newer(old.version, now.installed):
            one = offers.get(old.version, old)
            offers[old.version] = replace(one, since=min(one.since, old.since), security=one.security or old.security)
    newest = now.offers[0].version
    known = [one for one in offers.values() if not newer(one.version, newest)]
    ordered = [offers[newest], *(one for one in known if one.version != newest)]
    return replace(now, offers=tuple(ordered))


def _between(upgrade: Upgrade, changelog: Iterable[Entry], installed: Installed | None) -> list[Entry]:
    """Return the entries of the versions that are newer than the old one, up to the new one.

    A changelog counts versions of the source. Mostly the package has the same, but for an epoch or the mark of a rebuild; of a
    package that numbers itself differently, only the entry of what is installed now can be told.
    """
    if installed and installed.numbered_apart:
        return [one for one in changelog if installed.version == upgrade.new and one.version == installed.source]
    return [one for one in changelog if _lies(one.version, upgrade)]


def _lies(version: str, upgrade: Upgrade) -> bool:
    """Tell whether a version of the source lies between; its epoch may be missing where the package has one."""
    old, new = upgrade.old, upgrade.new
    if ":" in new and ":" not in version:
        old, new = without_epoch(old), without_epoch(new)
    return newer(version, old) and not newer(version, new)
