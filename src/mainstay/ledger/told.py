"""What people were told of a slot beforehand, as the outbox has it; for those who only read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

_SQL = """SELECT notice.id, min(delivery.ended) FROM notice JOIN delivery USING (number)
WHERE substr(notice.id, 1, ?) = ? AND delivery.state = 'sent' GROUP BY notice.id"""


def leads(state: Path, occurrence: str) -> dict[datetime, datetime]:
    """Return when the notice of each lead time of a slot reached the first of those who get it, by the instant it was due."""
    path, prefix = state / "outbox.db", f"lead:{occurrence}:"
    if not path.exists():
        return {}
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
        rows = connection.execute(_SQL, (len(prefix), prefix)).fetchall()
    return {datetime.fromisoformat(id.removeprefix(prefix)): datetime.fromisoformat(sent) for id, sent in rows}
