"""Where a dpkg database is, and how long a published patch may wait."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from mainstay.model.setting import Setting
from mainstay.model.units import Duration

_HOUR, _DAY = 3600, 86400


@dataclass(frozen=True)
class Limits:
    """How long an update may wait, counted from its publication, and how old the lists of packages may be."""

    security_warning: Annotated[Duration, Setting("a security update that waits longer is a warning", ge=0)] = Duration(
        24 * _HOUR
    )
    security_critical: Annotated[
        Duration, Setting("a security update that waits longer is critical; one that was deployed later was late", ge=0)
    ] = Duration(48 * _HOUR)
    other: Annotated[Duration, Setting("any other update that waits longer is a warning", ge=0)] = Duration(30 * _DAY)
    lists: Annotated[
        Duration, Setting("lists of packages that are older are a warning: they prove nothing about what waits", ge=0)
    ] = Duration(3 * _DAY)
    remind: Annotated[Duration, Setting("for so long a security patch that was deployed late is a warning", ge=0)] = Duration(
        7 * _DAY
    )

    def __post_init__(self) -> None:
        """Refuse limits of which the milder one could never be reached."""
        if self.security_warning > self.security_critical:
            raise ValueError("`security_warning` is above `security_critical`")


@dataclass(frozen=True)
class Settings:
    """The packages of a Debian or Ubuntu system."""

    limits: Annotated[Limits, Setting("how long updates may wait", example="{security_warning: 12h, other: 14d}")] = field(
        default_factory=Limits
    )
    window: Annotated[Duration, Setting("how far back patch times are counted", ge=_DAY, le=366 * _DAY)] = Duration(90 * _DAY)
    security: Annotated[
        tuple[str, ...],
        Setting(
            "which suites and labels mean security, as globs without regard to case", example="['*-security', 'our-hotfixes']"
        ),
    ] = ("*-security",)
    root: Annotated[Path, Setting("the root of the system, where it is not that of this host or container")] = Path("/")
    timeout: Annotated[Duration, Setting("how long each question to dpkg and apt may take", ge=1, le=3600)] = Duration(60)

    def means_security(self, *names: str) -> bool:
        """Tell whether one of these suites or labels means security."""
        return any(fnmatchcase(name.lower(), glob.lower()) for name in names for glob in self.security)
