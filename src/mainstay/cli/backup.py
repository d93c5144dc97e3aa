"""Backups: the tasks of the configured repository by short names, and restore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mainstay.cli import backup_copies, backup_records, call, wal
from mainstay.cli.call import Json
from mainstay.cli.repository import Dry, Repository, Yes, named, readable, start

if TYPE_CHECKING:
    from mainstay.app import App
    from mainstay.report.document import Document

_INTO = "The new place, a path or the name of a database; it must not exist. Without it: beside the live one."

app = call.command()
group = call.command(
    "backup",
    help="""Make, list, read back, prove and thin out backups.

Each command is the task of that name on the configured repository. A backup counts once it was proven: rebuilt in a
scratch folder and compared with what was counted when it was made.

\b
mainstay backup now
mainstay backup prove
mainstay backup list
""",
)
app.add_typer(group)
group.add_typer(backup_records.app)
group.add_typer(backup_copies.app)


@group.command()
def now(repository: Repository = "", dry: Dry = False) -> None:
    """Back up every target of the repository now.

    A backup appears only when it is complete and was read back.

    \b
    mainstay backup now
    mainstay backup now --dry-run
    """
    start(repository, "backup", dry=dry)


@group.command("list")
def list_(repository: Repository = "", as_json: Json = False) -> None:
    """List the backups, newest first.

    Each with its size, when it was made, and when it was last proven restorable.

    \b
    mainstay backup list
    """
    from mainstay.model.codec import encode

    site = call.opened()
    facts = readable(site, named(site, repository))
    if as_json:
        backups = [{**encode(entry), "level": entry.level} for entry in facts.catalogue.entries]
        call.show_json("backups/1", {"repository": facts.name, "backups": backups, "damaged": facts.catalogue.damaged})
    else:
        call.show(_listed(facts, site))


@group.command()
def verify(
    which: Annotated[str, typer.Argument(metavar="ID", help="`latest`, `all`, or an id or its beginning.")] = "latest",
    repository: Repository = "",
    dry: Dry = False,
) -> None:
    """Read backups to their end, the newest by default.

    Every object is compared with its digest.

    \b
    mainstay backup verify
    mainstay backup verify all
    """
    start(repository, "verify", dry=dry, params={"which": which})


@group.command()
def prove(repository: Repository = "", dry: Dry = False) -> None:
    """Restore the newest backups for practice, and compare.

    Each is rebuilt in a scratch folder and compared with what was counted when it was made.

    \b
    mainstay backup prove
    """
    start(repository, "prove", dry=dry)


@group.command()
def drill(repository: Repository = "", dry: Dry = False) -> None:
    """Rebuild everything from the repository alone.

    The newest backup of each target, in an isolated scratch place that goes at once: compared, timed, and written down. The
    live system is neither asked nor touched.

    \b
    mainstay backup drill
    """
    start(repository, "drill", dry=dry)


@group.command()
def prune(repository: Repository = "", yes: Yes = False, dry: Dry = False) -> None:
    """Remove the backups that no rule of `keep` wants.

    Never the newest proven one, never one that a run still needs.

    \b
    mainstay backup prune --dry-run
    """
    start(repository, "prune", yes=yes, dry=dry)


@app.command()
def restore(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The target whose backup is restored.")],
    into: Annotated[str, typer.Option("--into", metavar="PLACE", help=_INTO, show_default=False)] = "",
    only: Annotated[str, typer.Option("--only", metavar="PART", help="One table or file of it.", show_default=False)] = "",
    backup: Annotated[str, typer.Option("--backup", metavar="ID", help="Its id; `latest`: the newest proven one.")] = "latest",
    before: Annotated[str, typer.Option("--before", metavar="TIME", help="Of those made before then.", show_default=False)] = "",
    swap: Annotated[bool, typer.Option("--swap", help="Then put the copy in the place of the live one, which is kept.")] = False,
    reverse: Annotated[bool, typer.Option("--reverse", help="Put back what a copy has replaced.")] = False,
    points: Annotated[bool, typer.Option("--list", help="List the backups, how well known, and how long each takes.")] = False,
    repository: Repository = "",
    yes: Yes = False,
    to_time: Annotated[str, typer.Option("--to-time", metavar="TIME", help="PostgreSQL: as it was then, from the archive.")] = "",
    to_lsn: Annotated[str, typer.Option("--to-lsn", metavar="LSN", help="PostgreSQL: up to a position of the log.")] = "",
    to_name: Annotated[str, typer.Option("--to-name", metavar="NAME", help="PostgreSQL: up to a named restore point.")] = "",
    dry: Dry = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Rebuild a backup at a new place, and put it in the place of the live one if asked to.

    It appears at the new place complete and compared, or not at all. Nothing that exists is ever written to: with --swap, names
    are exchanged, and what was live stays beside it, closed, until --reverse puts it back or the task drop_old removes it.

    \b
    mainstay restore db --list
    mainstay restore db
    mainstay restore db --swap --dry-run
    mainstay restore db --reverse
    mainstay restore db --into /srv/restored/app.db
    mainstay restore uploads --backup 20260301T020000-uploads-3f6c --into /srv/restored/uploads
    mainstay restore db --to-time "2026-11-27 02:15:00+01" --dry-run
    """
    from mainstay.cli import doing, restoring

    place = str(Path(into).absolute()) if "/" in into else into
    if to_time or to_lsn or to_name:
        wal.recover(target, {"to_time": to_time, "to_lsn": to_lsn, "to_name": to_name, "into": place or None}, dry=dry)
        return

    if points:
        site = call.opened()
        restoring.points(site, named(site, repository), target, as_json=as_json)
        return
    wanted = restoring.Wanted(target, place, only, backup, before)
    road = restoring.reverse if reverse else restoring.exchange if swap else restoring.beside
    doing.start(lambda site: road(site, named(site, repository), wanted), doing.How(yes=yes, dry=dry))


def _listed(facts: Any, site: App) -> Document:
    from mainstay.report.document import Cell, Document, Entry, Paragraph, Section, listed, plural
    from mainstay.report.quantity import ago

    at = call.now(site.site)

    def entry(one: Any) -> Entry:
        made = Cell(f"{one.target}, made {ago(one.created, at)}")
        proof = Cell(f"proven {ago(one.proven, at)}", "good") if one.proven else Cell("not proven", "warn")
        read = Cell(f"{one.level}; read to its end {ago(one.read, at) if one.read else 'never'}", "muted")
        hold = [Cell(str(one.hold), "info")] if one.hold else []
        return Entry(Cell("✓" if one.proven else "!", proof.tone), one.id, str(one.stored), (made, proof, read, *hold))

    catalogue = facts.catalogue
    damaged = [Paragraph(f"{id} is damaged: {why}", "bad") for id, why in catalogue.damaged]
    empty = Paragraph("No backup yet: mainstay backup now", "warn")
    blocks = (*damaged, listed(catalogue.entries[::-1], entry) if catalogue.entries else empty)
    return Document(
        f"Backups in {facts.name}", Cell(plural(len(catalogue.entries), "backup")), "", sections=(Section("", blocks),)
    )
