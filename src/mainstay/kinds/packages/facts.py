"""What a look at the packages of a system shows: what was deployed, what waits, and how far the answer can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mainstay.kinds.packages.settings import Settings
from mainstay.model.units import Duration


def plain(name: str) -> str:
    """Return the name of a package as people say it, without its architecture."""
    return name.partition(":")[0]


@dataclass(frozen=True)
class Deployed:
    """A finished upgrade. `known_by` says where `published` is from; "" when nobody knows when the version was published."""

    name: str  # with its architecture, such as libssl3:amd64
    old: str
    new: str
    at: datetime
    security: bool = False
    urgency: str = ""
    published: datetime | None = None
    known_by: Literal["", "changelog", "first seen"] = ""

    @property
    def took(self) -> Duration | None:
        """The time from publication to deployment."""
        return Duration((self.at - self.published).total_seconds()) if self.published else None

    def __str__(self) -> str:
        urgency = f", urgency {self.urgency}" if self.urgency not in ("", "low", "medium") else ""
        after = f" after {self.took}" if self.published else ""
        return f"{plain(self.name)} {self.old} -> {self.new}{after}{urgency}"


@dataclass(frozen=True)
class Offer:
    """A version that can be had, and since when that is known."""

    version: str
    since: datetime
    security: bool = False


@dataclass(frozen=True)
class Waiting:
    """An installed package for which there are newer versions; `held` says that a person holds it back."""

    name: str
    installed: str
    offers: tuple[Offer, ...]  # newest first
    held: bool = False

    @property
    def security(self) -> bool:
        """Whether one of the versions closes a hole, be it not the newest."""
        return any(one.security for one in self.offers)

    @property
    def since(self) -> datetime:
        """Since when it waits: for the first version that closes a hole, else for the first of them."""
        return min(one.since for one in self.offers if one.security or not self.security)

    def __str__(self) -> str:
        return f"{plain(self.name)} {self.installed} -> {self.offers[0].version}{' (held)' if self.held else ''}"


@dataclass(frozen=True)
class Facts:
    """One look.

    seen        a digest of the files that all of this is from: while it stays the same, so does the answer
    logged      since when dpkg's log tells what was deployed; None when there is no log
    deployed    upgrades within the window, oldest first
    waiting     None when apt cannot say what waits; `problem` says why, and `waited` is what it said the last time
    lists       from when the newest list of packages is, or its last refresh; None when there are none
    held        packages that a person holds back
    unfinished  packages whose installation was begun and not finished
    reboot      since when a reboot is required, and for which packages
    bad_lines   how many lines of dpkg's log cannot be read; `bad` names the first by file and line
    unreadable  files that are there and cannot be read
    """

    at: datetime
    settings: Settings
    seen: str = ""
    logged: datetime | None = None
    deployed: tuple[Deployed, ...] = ()
    waiting: tuple[Waiting, ...] | None = None
    problem: str = ""
    waited: tuple[Waiting, ...] = ()
    lists: datetime | None = None
    held: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()
    reboot: datetime | None = None
    reboot_for: tuple[str, ...] = ()
    bad_lines: int = 0
    bad: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    def age(self, since: datetime) -> Duration:
        """Return how long ago something was, seen from this look."""
        return Duration(max(0.0, (self.at - since).total_seconds()))

    def patched(self, *, security: bool) -> tuple[Deployed, ...]:
        """Return the upgrades whose publication is known, of one sort."""
        return tuple(one for one in self.deployed if one.published and one.security is security)

    def late(self) -> tuple[Deployed, ...]:
        """Return the security patches that were deployed later than they may be, the latest first."""
        limit = self.settings.limits.security_critical
        late = [one for one in self.patched(security=True) if one.took is not None and one.took > limit]
        return tuple(sorted(late, key=lambda one: -(one.took or 0)))
