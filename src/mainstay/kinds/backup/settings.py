"""What is to be known of a repository, and of the remotes that it is copied to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated

from mainstay.kinds.backup.limits import Limits
from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Size
from mainstay.vault.copies.remotes import DiskSettings, RemoteSettings, S3Settings, SftpSettings
from mainstay.vault.names import ObjectName
from mainstay.vault.retention import TIERS, Policy


@dataclass(frozen=True)
class RepositorySettings:
    """Where backups are kept."""

    path: Annotated[
        Path, Setting("the folder that holds the backups; the first backup makes it", example="/backups", writes="makes")
    ]


@dataclass(frozen=True)
class CopySettings:
    """A remote: exactly one of disk, sftp and s3, and how long copies stay there."""

    disk: Annotated[DiskSettings | None, Setting("a folder on another disk", example="{folder: /mnt/second/backups}")] = None
    sftp: Annotated[SftpSettings | None, Setting("a folder on a host with an SFTP server")] = None
    s3: Annotated[S3Settings | None, Setting("a bucket of an S3-compatible server")] = None
    keep: Annotated[Policy, Setting("how many copies of each target stay", example="{monthly: 24}")] = field(
        default_factory=Policy
    )
    max_lag: Annotated[Duration, Setting("a backup must have been copied this long after it was made", ge=60, example="6h")] = (
        Duration(6 * 3600)
    )

    def __post_init__(self) -> None:
        """Refuse a remote that is nowhere, or at two places."""
        if sum(one is not None for one in (self.disk, self.sftp, self.s3)) != 1:
            raise ValueError("name exactly one of disk, sftp and s3")

    @property
    def remote(self) -> RemoteSettings:
        """Return where it is."""
        return next(one for one in (self.disk, self.sftp, self.s3) if one is not None)


@dataclass(frozen=True)
class BackupSettings:
    """What goes into a repository, and how long it stays."""

    repository: Annotated[RepositorySettings, Setting("where the backups are kept", example="{path: /backups}")]
    of: Annotated[tuple[str, ...], Setting("the targets that are backed up", example="[db, uploads]", refers_to="target")]
    keep: Annotated[Policy, Setting("how many backups of each target stay", example="{daily: 7, weekly: 8}")] = field(
        default_factory=Policy
    )
    max_age: Annotated[Duration, Setting("the newest proven backup of each target must be younger", ge=60, example="26h")] = (
        Duration(26 * 3600)
    )
    keys: Annotated[
        Path | None, Setting("the folder of the keys, made by `mainstay backup keys generate`", example="/etc/mainstay/keys")
    ] = None
    copies: Annotated[dict[str, CopySettings], Setting("remotes that every backup is copied to, encrypted, by name")] = field(
        default_factory=dict
    )
    max_drill_age: Annotated[
        Duration, Setting("a copy must have been opened with the escrowed key within this time", ge=60, example="180d")
    ] = Duration(180 * 86400)

    budget: Annotated[
        Size | None, Setting("bytes of the whole repository; a backup that would not fit is refused, and told", example="100GB")
    ] = None
    budgets: Annotated[
        dict[str, Size], Setting("bytes of the backups of a target, or of a tier of keep", example="{db: 60GB, monthly: 200GB}")
    ] = field(default_factory=dict)
    limits: Annotated[Limits, Setting("what is found unusual", example="{max_shrink: 20%, max_rto: 30m}")] = field(
        default_factory=Limits
    )
    leave_out: Annotated[
        dict[str, str], Setting("targets that need no backup, each with the reason", example="{cache: rebuilt from db}")
    ] = field(default_factory=dict)
    approvals: Annotated[int, Setting("so many persons have to approve a backup of each month", ge=0, example="2")] = 0
    fiscal_year_starts: Annotated[str, Setting("month and day on which the fiscal year begins", example='"07-01"')] = "01-01"

    def __post_init__(self) -> None:
        """Refuse what contradicts itself: copies without keys, a budget of what is not backed up, a day that is none."""
        if self.copies and not self.keys:
            raise ValueError("copies are encrypted and signed: name the folder of the keys, `keys`")
        for name in self.copies:
            ObjectName(name)
        if strange := sorted(self.budgets.keys() - {*self.of, *TIERS}):
            raise ValueError(f"budgets: {strange[0]} is neither in `of` nor one of {', '.join(TIERS)}")
        if nameless := sorted(name for name, why in self.leave_out.items() if not why.strip() or name in self.of):
            raise ValueError(f"leave_out: {nameless[0]} is in `of`, or has no reason")
        try:
            date.fromisoformat(f"2000-{self.fiscal_year_starts}")
        except ValueError as error:
            raise ValueError(
                f"fiscal_year_starts: {self.fiscal_year_starts!r} is not a month and a day, such as 07-01"
            ) from error
