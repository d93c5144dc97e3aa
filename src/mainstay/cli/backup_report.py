"""The report of one backup, put together from its repository."""

from __future__ import annotations

from typing import Any

from mainstay.app import App
from mainstay.cli import call, reports
from mainstay.cli.repository import named, readable
from mainstay.model.errors import Refused
from mainstay.report.backup_page import BackupReport, fiscal_year
from mainstay.report.document import Document
from mainstay.vault import manifest as manifests
from mainstay.vault import proof as proofs
from mainstay.vault.catalogue import Entry, newest
from mainstay.vault.repository import open_repository
from mainstay.vault.retention import decide, until


def written(app: App, repository: str, id: str, format: str) -> tuple[str, Document | None]:
    """Return the report as text of that format, and as a document where the format is for terminals."""
    facts = readable(app, named(app, repository))
    return reports.rendered(_report(app, facts, _chosen(facts, id)), format)


def _report(app: App, facts: Any, entry: Entry) -> BackupReport:
    settings, now = facts.settings, call.now(app.site)
    repository = open_repository(settings.repository.path)
    entries = facts.of(entry.target)
    verdicts = decide(entries, settings.keep, settings.max_age, facts.held, facts.at)
    kept = next(one.because for one in verdicts if one.id == entry.id)
    manifest, _ = manifests.read(repository.folder(entry.id), entry.id)
    return BackupReport(
        now,
        manifest,
        entry,
        proofs.read(repository, entry.id),
        _places(facts, entry, str(repository.folder(entry.id))),
        fiscal_year(entry.created.astimezone(now.tzinfo).date(), settings.fiscal_year_starts),
        kept.at(app.site.targets[facts.name].origins.get(kept.param)),
        until(entries, settings.keep, entry.id, facts.at),
        settings.approvals,
    )


def _places(facts: Any, entry: Entry, here: str) -> tuple[str, ...]:
    """Name the folder of a backup, and the remotes that have a copy of it."""
    return (here, *(f"the remote {one.name}, as a copy" for one in facts.remotes if one.entry(entry.id)))


def _chosen(facts: Any, id: str) -> Entry:
    entries = facts.catalogue.entries
    last = newest(entries)
    found = [entry for entry in entries if entry.id.startswith(id)] if id != "latest" else [last] if last else []
    if len(found) != 1:
        because = f"{len(found)} backups have an id that begins with it" if id != "latest" else "there is none"
        raise Refused("one backup has to be named", on=id, because=because, next="mainstay backup list")
    return found[0]
