"""What is known of the role of an application."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay.kinds.postgres.settings import PostgresSettings

ON = "on"


@dataclass(frozen=True)
class Role:
    """The role of an application: its own default, None when it has none, and whether a real attempt to write was refused."""

    name: str
    value: str | None
    read_only: bool


@dataclass(frozen=True)
class ReadOnlyFacts:
    """The roles of the applications."""

    at: datetime
    settings: PostgresSettings
    roles: tuple[Role, ...] = ()
