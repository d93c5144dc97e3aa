"""A folder, and which of its files are configuration."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from mainstay.model.setting import Setting
from mainstay.model.units import Size

PLACEHOLDERS = (
    r"(?<![a-z])change[_-]?(me|this|it)(?![a-z])",
    r"(?<![a-z])replace[_-]?(me|this|with)(?![a-z])",
    r"(?<![a-z])(todo|fixme)(?![a-z])",
    r"(?<![a-z])your[_-].*(key|secret|token|password|domain)",
    r"^(insert|enter|put)[_-](your|the|a|here)",
    r"^<[^<>]+>$",
    r"^(x{4,}|\.{3,}|\*{3,})$",
)


@dataclass(frozen=True)
class Settings:
    """One folder."""

    path: Annotated[Path, Setting("the folder", example="/srv/app/uploads")]
    exclude: Annotated[
        tuple[str, ...], Setting("globs on the path below the folder; * crosses folders", example="[cache/*, '*.sock']")
    ] = ()
    configuration: Annotated[
        tuple[str, ...],
        Setting("globs of configuration files below the folder, for placeholders and audit", example="[.env, 'config/*.yaml']"),
    ] = (".env", ".env.*", "*.env", "compose*.y*ml", "docker-compose*.y*ml")
    placeholders: Annotated[
        tuple[str, ...], Setting("regular expressions of values that were to be replaced; case does not matter")
    ] = PLACEHOLDERS
    shortest_secret: Annotated[int, Setting("letters that a secret has at least", ge=0, le=100)] = 8
    owner: Annotated[str, Setting("the user that the folder belongs to; empty for anyone", example="www-data")] = ""
    size_warning: Annotated[Size | None, Setting("bytes above which the folder is a finding", example="20GB")] = None
    files_warning: Annotated[int | None, Setting("number of files above which the folder is a finding", ge=0)] = None

    def __post_init__(self) -> None:
        """Refuse a pattern that cannot be matched."""
        for pattern in self.placeholders:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"placeholders: {pattern!r} is no regular expression: {error}") from error
