"""What apt tells of versions that can be had: `apt-cache policy` and the lists that they come from (apt-cache(8), apt-get(8))."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from mainstay.kinds.packages.settings import Settings
from mainstay.kinds.packages.versions import newer

TARGETS = "$(REPO_URI)\t$(RELEASE)\t$(SUITE)\t$(LABEL)\t$(FILENAME)"
_HEADING = re.compile(r"^(\S+):$")
_VERSION = re.compile(r"^ (?:\*{3}|   ) (\S+)(?: |$)")
_SOURCE = re.compile(r"^ {6,}-?\d+ (\S+) (\S+) ")
_CANDIDATE, _NONE = "  Candidate: ", "(none)"
_DATE = re.compile(r"^Date: *(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Release:
    """A release that lists of packages belong to: its text, and the time of its file, which is that which the server gave it."""

    text: str
    written: datetime


@dataclass(frozen=True)
class Index:
    """A list of packages: the suite and label of its release, when that was made, and the time of its file."""

    names: tuple[str, ...]
    made: datetime | None = None
    written: datetime | None = None


@dataclass
class Block:
    """What policy tells of one package: the version that would be installed, and all versions with the places that have them."""

    heading: str
    candidate: str = ""
    versions: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Available:
    """A version that would be installed, or one between it and what is installed."""

    version: str
    security: bool
    made: datetime | None  # when the oldest list that has it was made


def blocks(text: str) -> Iterator[Block]:
    """Read what `apt-cache policy NAME...` prints."""
    block, version = Block(""), ""
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            if block.heading:
                yield block
            block, version = Block(heading[1]), ""
        elif line.startswith(_CANDIDATE):
            block.candidate = line.removeprefix(_CANDIDATE)
        elif found := _VERSION.match(line):
            version = found[1]
            block.versions[version] = []
        elif (source := _SOURCE.match(line)) and version:
            block.versions[version].append(place(source[1], source[2].rpartition("/")[0] or source[2]))
    if block.heading:
        yield block


def place(address: str, release: str) -> str:
    """Name what a list is for, as policy and the targets of apt both do."""
    return f"{address.rstrip('/')} {release.rstrip('/')}"


def indexes(targets: str, releases: Mapping[str, Release]) -> dict[str, Index]:
    """Read what `apt-get indextargets` prints; the release of a list is the one whose name the list's name begins with."""
    found: dict[str, Index] = {}
    for line in targets.splitlines():
        address, name, suite, label, path = line.split("\t")
        file = path.rpartition("/")[2]
        release = next((one for own, one in releases.items() if file.startswith(own.rpartition("_")[0] + "_")), None)
        made = _date(release.text) if release else None
        found.setdefault(place(address, name), Index((name, suite, label), made, release.written if release else None))
    return found


def refreshed(known: Collection[Index], settings: Settings) -> datetime | None:
    """Return from when the lists are: those of security where there are any, for they change most often."""
    security = [one.written for one in known if one.written and settings.means_security(*one.names)]
    return max(security or [one.written for one in known if one.written], default=None)


def available(block: Block, installed: str, known: Mapping[str, Index], settings: Settings) -> Iterator[Available]:
    """Yield the versions up to the one that apt would install, newest first."""
    for version, places in block.versions.items():
        if block.candidate != _NONE and newer(version, installed) and not newer(version, block.candidate):
            lists = [known[one] for one in places if one in known]
            made = min((one.made for one in lists if one.made), default=None)
            yield Available(version, any(settings.means_security(*one.names) for one in lists), made)


def _date(text: str) -> datetime | None:
    found = _DATE.search(text)
    try:
        at = parsedate_to_datetime(found[1]) if found else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
