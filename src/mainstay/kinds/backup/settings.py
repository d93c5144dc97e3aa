"""What is to be known of a repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from mainstay.model.setting import Setting
from mainstay.model.units import Duration
from mainstay.vault.retention import Policy


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
    restore_within: Annotated[
        Duration | None, Setting("longest time that a restore may take, as the last proof has measured it", ge=1, example="30m")
    ] = None
