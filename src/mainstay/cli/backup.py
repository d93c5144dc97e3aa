"""Backups: the tasks of the configured repository by short names, and restore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mainstay.cli import call, wal
from mainstay.cli.call import Json
from mainstay.model.errors import ConfigError

if TYPE_CHECKING:
    from mainstay.app import App
    from mainstay.report.document import Document

KIND = "backup"
Repository = Annotated[
    str,
    typer.Option("--in", metavar="TARGET", help="The repository; needed only where several are configured.", show_default=False),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Consent to the printed envelope without being asked.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")]

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


@group.command()
def now(repository: Repository = "", dry: Dry = False) -> None:
    """Back up every target of the repository now.

    A backup appears only when it is complete and was read back.

    \b
    mainstay backup now
    mainstay backup now --dry-run
    """
    _start(repository, "backup", dry=dry)


@group.command("list")
def list_(repository: Repository = "", as_json: Json = False) -> None:
    """List the backups, newest first.

    Each with its size, when it was made, and when it was last proven restorable.

    \b
    mainstay backup list
    """
    site = call.opened()
    facts, _ = site.why(f"{_repository(site, repository)}.check")
    if as_json:
        call.show_json(
            "backups/1", {"repository": facts.name, "backups": facts.catalogue.entries, "damaged": facts.catalogue.damaged}
        )
    else:
        call.show(_listed(facts, site))


@group.command()
def verify(repository: Repository = "", dry: Dry = False) -> None:
    """Read the newest backup of each target to its end.

    Every object is compared with its digest.

    \b
    mainstay backup verify
    """
    _start(repository, "verify", dry=dry)


@group.command()
def prove(repository: Repository = "", dry: Dry = False) -> None:
    """Restore the newest backups for practice, and compare.

    Each is rebuilt in a scratch folder and compared with what was counted when it was made.

    \b
    mainstay backup prove
    """
    _start(repository, "prove", dry=dry)


@group.command()
def prune(repository: Repository = "", yes: Yes = False, dry: Dry = False) -> None:
    """Remove the backups that no rule of `keep` wants.

    Never the newest proven one, never one that a run still needs.

    \b
    mainstay backup prune --dry-run
    """
    _start(repository, "prune", yes=yes, dry=dry)


@app.command()
def restore(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The target whose backup is restored.")],
    into: Annotated[Path | None, typer.Option("--into", metavar="PATH", help="The new place; it must not exist.")] = None,
    backup: Annotated[str, typer.Option("--backup", metavar="ID", help="Its id; `latest`: the newest proven one.")] = "latest",
    repository: Repository = "",
    to_time: Annotated[str, typer.Option("--to-time", metavar="TIME", help="PostgreSQL: as it was then, from the archive.")] = "",
    to_lsn: Annotated[str, typer.Option("--to-lsn", metavar="LSN", help="PostgreSQL: up to a position of the log.")] = "",
    to_name: Annotated[str, typer.Option("--to-name", metavar="NAME", help="PostgreSQL: up to a named restore point.")] = "",
    dry: Dry = False,
) -> None:  # fmt: skip
    """Rebuild a backup at a new place.

    It appears there complete and compared, or not at all. Nothing that exists is ever written to. Putting the restored copy
    in the place of the damaged one is yours to decide.

    \b
    mainstay restore db --into /srv/restored/app.db
    mainstay restore uploads --backup 20260301T020000-uploads-3f6c --into /srv/restored/uploads
    mainstay restore db --to-time "2026-11-27 02:15:00+01" --dry-run
    """
    into = into.absolute() if into else None
    if to_time or to_lsn or to_name:
        wal.recover(target, {"to_time": to_time, "to_lsn": to_lsn, "to_name": to_name, "into": into and str(into)}, dry=dry)
        return
    if into is None:
        raise ConfigError("--into is needed", next="name a new place: nothing that exists is written to")
    if into.exists() or into.is_symlink():
        raise ConfigError(f"{into} is there already", next="name a new place: nothing that exists is written to")
    _start(repository, "restore", dry=dry, params={"target": target, "into": str(into), "backup": backup})


def _start(repository: str, task: str, *, yes: bool = False, dry: bool, params: dict[str, Any] | None = None) -> None:
    from mainstay.cli import doing

    how = doing.How(yes=yes, dry=dry)
    doing.start(lambda site: site.routine(f"{_repository(site, repository)}.{task}", params), how)


def _repository(site: App, named: str) -> str:
    known = [target.name for target in site.site.targets.values() if target.kind == KIND]
    if named in known or (len(known) == 1 and not named):
        return named or known[0]
    what = (
        f"there is no repository {named!r}" if named else ("no repository is configured" if not known else "several repositories")
    )
    raise ConfigError(what, next=f"name one with --in: {', '.join(known)}" if known else f"add a target of kind {KIND}")


def _listed(facts: Any, site: App) -> Document:
    from mainstay.report.document import Cell, Document, Entry, Paragraph, Section, listed, plural
    from mainstay.report.quantity import ago

    at = call.now(site.site)

    def entry(one: Any) -> Entry:
        made = f"{one.target}, made {ago(one.created, at)}"
        proof = Cell(f"proven {ago(one.proven, at)}", "good") if one.proven else Cell("not proven", "warn")
        return Entry(Cell("✓" if one.proven else "!", proof.tone), one.id, str(one.stored), (Cell(made), proof))

    catalogue = facts.catalogue
    damaged = [Paragraph(f"{id} is damaged: {why}", "bad") for id, why in catalogue.damaged]
    empty = Paragraph("No backup yet: mainstay backup now", "warn")
    blocks = (*damaged, listed(catalogue.entries[::-1], entry) if catalogue.entries else empty)
    return Document(
        f"Backups in {facts.name}", Cell(plural(len(catalogue.entries), "backup")), "", sections=(Section("", blocks),)
    )
