"""Everything that is known about one backup: what the form of a monthly manifest asks for, filled in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from mainstay.model.because import Because
from mainstay.report.document import Cell, Document, Paragraph, Section, Table, Tile, Tiles, sections, table
from mainstay.vault.catalogue import Entry
from mainstay.vault.manifest import Manifest
from mainstay.vault.proof import Proof


@dataclass(frozen=True)
class BackupReport:
    """One backup with all records about it, and what becomes of it."""

    at: datetime  # in the zone of the site
    manifest: Manifest
    entry: Entry
    proofs: tuple[Proof, ...]
    places: tuple[str, ...]  # where it lies
    fiscal_year: str
    kept: Because | None  # why the rules keep it, or let it go
    until: datetime | None  # when it goes, if one is made each day; None: not within three years
    approvals_needed: int


def fiscal_year(day: date, starts: str) -> str:
    """Return the fiscal year of a day: `2026`, or `2026/27` where it begins on another day than the first of January."""
    if starts == "01-01":
        return str(day.year)
    first = day.year if f"{day:%m-%d}" >= starts else day.year - 1
    return f"{first}/{(first + 1) % 100:02d}"


def document(report: BackupReport) -> Document:
    """Lay it out for people."""
    entry, manifest = report.entry, report.manifest
    local = manifest.created.astimezone(report.at.tzinfo)
    tone = {"restored": "good", "present": "bad"}.get(entry.level, "warn")
    about = (
        f"Made {local:%Y-%m-%d %H:%M %Z}, month {local:%Y-%m}, week {local:%G-W%V}, fiscal year {report.fiscal_year}, "
        f"by {manifest.run} at {manifest.site or 'no site'}.",
        f"SHA-256 of its manifest: {entry.sha256}",
        *(f"Head of the journal when it was made: {head}" for head in [manifest.ledger_head] if head),
    )
    return Document(
        f"Backup {entry.id}",
        Cell(entry.level, "good" if tone == "good" else "bad" if tone == "bad" else "warn"),
        f"{manifest.kind} {manifest.target}",
        about,
        sections(
            Section("", (_tiles(report),)),
            Section("Content", (_counts(manifest), *map(Paragraph, manifest.notes)), "What was counted in its snapshot."),
            Section("Proof", tuple(_proofs(report))),
            Section("Retention", tuple(_retention(report))),
            Section("Approvals", tuple(_approvals(report))),
            Section("Made with", (_versions(manifest),)),
        ),
    )


def _tiles(report: BackupReport) -> Tiles:
    entry = report.entry
    ratio = f"{entry.raw / entry.stored:.3g} : 1" if entry.stored else "–"
    return Tiles(
        (
            Tile("dump", str(entry.raw)),
            Tile("stored", str(entry.stored), f"of these {entry.own} for it alone"),
            Tile("ratio", ratio),
            Tile("added", str(entry.added), "by this backup"),
            Tile("took", str(entry.took)),
            Tile("rebuilt in", str(entry.rebuilt) if entry.rebuilt is not None else "–", "at its last proof"),
        )
    )


def _counts(manifest: Manifest) -> Table:
    rows = [
        (Cell(name), Cell(f"{count:,}"), Cell(manifest.digests.get(name, "")[:16], "muted"))
        for name, count in sorted(manifest.counts.items())
    ]
    return table(("part", "#count", "digest"), rows)


def _versions(manifest: Manifest) -> Table:
    return table(("tool", "version"), [(Cell(name), Cell(version)) for name, version in sorted(manifest.tools.items())])


def _proofs(report: BackupReport) -> Iterator[Table | Paragraph]:
    if not report.proofs:
        yield Paragraph("Nobody has read or restored it yet: mainstay backup prove", "warn")
        return
    rows = [
        (
            Cell(f"{proof.at.astimezone(report.at.tzinfo):%Y-%m-%d %H:%M}"),
            Cell(proof.level),
            Cell(str(proof.took)),
            Cell(proof.differences[0], "bad") if proof.differences else Cell("no difference", "good"),
        )
        for proof in report.proofs
    ]
    yield table(("looked at", "level", "#took", "found"), rows)
    yield from (Paragraph(line, "muted") for line in report.proofs[-1].checked)


def _retention(report: BackupReport) -> Iterator[Paragraph]:
    if report.kept:
        yield Paragraph(f"Now: {report.kept}.")
    foreseen = f"It will go on {report.until:%Y-%m-%d}" if report.until else "It will not go within three years"
    yield Paragraph(f"{foreseen}, if a backup is made and proven each day and the rules stay.")
    yield from (Paragraph(f"It lies at: {place}.") for place in report.places)


def _approvals(report: BackupReport) -> Iterator[Paragraph]:
    yield from (Paragraph(f"{one}.", "good") for one in report.entry.approvals)
    missing = report.approvals_needed - len(report.entry.approvals)
    if missing > 0:
        yield Paragraph(
            f"{missing} of {report.approvals_needed} missing: mainstay backup approve {report.entry.id} --as ROLE", "warn"
        )
