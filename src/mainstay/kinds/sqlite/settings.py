"""What is to be known of a SQLite database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Share, Size


@dataclass(frozen=True)
class SqliteSettings:
    """Where the database is, and what its application can bear."""

    path: Annotated[Path, Setting("the database file", example="/srv/app/app.db", writes="beside")]
    busy_timeout: Annotated[Duration, Setting("how long to wait for a lock of the application", ge=0, example="5s")] = Duration(5)
    max_stall: Annotated[Duration, Setting("longest stall of the application that VACUUM may cause", ge=0, example="250ms")] = (
        Duration(0.25)
    )
    max_free_share: Annotated[Share, Setting("largest share of unused pages", ge=0, le=1, example="20%")] = Share(0.2)
    max_wal: Annotated[Size, Setting("largest write-ahead log", ge=0, example="64MB")] = Size(64_000_000)
    journal_mode: Annotated[Literal["wal", "any"], Setting("the journal mode that the database should have", example="any")] = (
        "wal"
    )
    max_integrity: Annotated[Duration, Setting("longest that an integrity check may take", ge=1, example="1h")] = Duration(3600)
