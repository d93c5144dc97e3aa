"""Which backups a person means."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from mainstay.kinds.backup.facts import RepositoryFacts, newest
from mainstay.model.units import Duration
from mainstay.vault.catalogue import Entry

LATEST, ALL = "latest", "all"


def chosen(facts: RepositoryFacts, backup: str, target: str = "") -> tuple[Entry, ...]:
    """Return the backups whose id begins so, the newest of each target (`latest`), or `all`; of one target, or of each."""
    entries = [entry for entry in facts.catalogue.entries if target in ("", entry.target)]
    if backup != LATEST:
        return tuple(entry for entry in entries if backup == ALL or entry.id.startswith(backup))
    lasts = (newest(entry for entry in entries if entry.target == one) for one in sorted({entry.target for entry in entries}))
    return tuple(entry for entry in lasts if entry)


def aged(entries: Iterable[Entry], at: datetime, older: Duration, younger: Duration) -> tuple[Entry, ...]:
    """Return those that are at least `older` and at most `younger`; 0 is no limit."""
    ages = {entry.id: (at - entry.created).total_seconds() for entry in entries}
    return tuple(entry for entry in entries if ages[entry.id] >= older and (not younger or ages[entry.id] <= younger))
