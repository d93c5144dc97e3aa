"""Which files are lock files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mainstay.model.setting import Setting
from mainstay.model.units import Duration


@dataclass(frozen=True)
class Settings:
    """A folder in which programs leave files with their process id."""

    folder: Annotated[Path, Setting("the folder of the lock files", example="/run/app")]
    pattern: Annotated[str, Setting("glob of their names", example="'*.lock'")] = "*.pid"
    min_age: Annotated[Duration, Setting("younger files are left alone", ge=0, example="10m")] = Duration(60)
