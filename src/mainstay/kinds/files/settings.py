"""A folder, and which of its files are configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mainstay.model.setting import Setting
from mainstay.model.units import Size

PLACEHOLDERS = (
    "change_me",
    "change_this",
    "changeit",
    "replace_me",
    "replace_this",
    "replace_with",
    "todo",
    "fixme",
    "your_*key",
    "your_*secret",
    "your_*token",
    "your_*password",
    "your_*domain",
    "insert_your",
    "enter_your",
    "xxxx*",
    "<*>",
)


@dataclass(frozen=True)
class Settings:
    """One folder."""

    path: Annotated[Path, Setting("the folder", example="/srv/app/uploads", writes="it")]
    exclude: Annotated[
        tuple[str, ...], Setting("globs on the path below the folder; * crosses folders", example="[cache/*, '*.sock']")
    ] = ()
    configuration: Annotated[
        tuple[str, ...],
        Setting("globs of configuration files below the folder, for placeholders and audit", example="[.env, 'config/*.yaml']"),
    ] = (".env", ".env.*", "*.env", "compose*.y*ml", "docker-compose*.y*ml")
    approved: Annotated[
        Path | None,
        Setting("a folder with the approved copies of these files; what differs is a finding", example="/srv/approved/app"),
    ] = None
    placeholders: Annotated[
        tuple[str, ...],
        Setting(
            "words for what was to be replaced, in any case: _ stands for _, - or nothing, * for anything", example="[fill_in]"
        ),
    ] = PLACEHOLDERS
    shortest_secret: Annotated[int, Setting("letters that a secret has at least", ge=0, le=100)] = 8
    owner: Annotated[str, Setting("the user that the folder belongs to; empty for anyone", example="www-data")] = ""
    size_warning: Annotated[Size | None, Setting("bytes above which the folder is a finding", example="20GB")] = None
    files_warning: Annotated[int | None, Setting("number of files above which the folder is a finding", ge=0)] = None
