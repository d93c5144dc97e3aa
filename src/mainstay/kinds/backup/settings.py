"""What is to be known of a repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated

from mainstay.kinds.backup.limits import Limits
from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Size
from mainstay.vault.retention import TIERS, Policy


@dataclass(frozen=True)
class RepositorySettings:
    """Where backups are kept."""

    path: Annotated[Path, Setting("the folder that holds the backups; the first backup makes it", example="/backups")]


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
        """Refuse a budget of what is not backed up, a day that is none, and a target that is left out without a reason."""
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
