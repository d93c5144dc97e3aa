"""Backups: the tasks of the configured repository by short names, and restore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mainstay.cli import call
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
_INTO = "The new place, a path or the name of a database; it must not exist. Without it: beside the live one."
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


@group.command()
def copy(repository: Repository = "", dry: Dry = False) -> None:
    """Copy every backup to every remote, encrypted and signed.

    What is at a remote already is not sent again. A copy is seen there only when it is complete.

    \b
    mainstay backup copy
    """
    _start(repository, "copy", dry=dry)


@group.command("verify-copies")
def verify_copies(
    every: Annotated[bool, typer.Option("--all", help="All copies, and not the newest of each target alone.")] = False,
    repository: Repository = "",
    dry: Dry = False,
) -> None:
    """Compare the copies at the remotes with their signed lists.

    By the checksum that a remote keeps, or by reading it to its end. A file that was altered there is named.

    \b
    mainstay backup verify-copies --all
    """
    _start(repository, "verify_copies", dry=dry, params={"which": "all" if every else "latest"})


@group.command("prune-copies")
def prune_copies(repository: Repository = "", yes: Yes = False, dry: Dry = False) -> None:
    """Remove the copies that no rule of their remote wants.

    Never the newest proven one there, and nothing while a signed list cannot be trusted.

    \b
    mainstay backup prune-copies --dry-run
    """
    _start(repository, "prune_copies", yes=yes, dry=dry)


@group.command()
def fetch(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The target whose backup is brought.")],
    remote: Annotated[str, typer.Option("--from", metavar="REMOTE", help="The remote, as in `copies`.")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="The escrow text, or another file with the private key.")],
    backup: Annotated[str, typer.Option("--backup", metavar="ID", help="Its id or the beginning of it.")] = "latest",
    repository: Repository = "",
    dry: Dry = False,
) -> None:  # fmt: skip
    """Bring a backup from a remote into the repository.

    Signature and checksums come first, then it is decrypted. On a new host this configuration and the escrow text are enough:
    the repository is made, and prove and restore work on it as on any other.

    \b
    mainstay backup fetch db --from bucket --key /root/escrow.txt
    """
    params = {"remote": remote, "target": target, "key": str(key.absolute()), "backup": backup}
    _start(repository, "fetch", dry=dry, params=params)


keys = call.command("keys", help="Make, show and try the keys that copies are encrypted and signed with.")
group.add_typer(keys)


@keys.command()
def generate(
    escrow: Annotated[Path, typer.Option("--escrow", metavar="FILE", help="Where the private key is written, once.")],
    repository: Repository = "",
) -> None:
    """Make a pair of keys to encrypt with, and one to sign with.

    The private key that opens copies goes into the escrow text alone. Print that, take it away from this host, try it with
    `mainstay backup keys drill`, and delete the file.

    \b
    mainstay backup keys generate --escrow /root/escrow.txt
    """
    from mainstay.system.process import Door
    from mainstay.vault import keys as pairs

    site = call.opened()
    folder = _key_folder(site, repository)
    pairs.generate(folder, escrow.absolute(), site.site.name, Door())
    typer.echo(f"keys: {folder}\nescrow text: {escrow}: print it, take it away, then: mainstay backup keys drill --with FILE")


@keys.command("show")
def show_keys(repository: Repository = "") -> None:
    """Print the fingerprints.

    Nothing secret is shown.

    \b
    mainstay backup keys show
    """
    from mainstay.system.process import Door
    from mainstay.vault import sealing
    from mainstay.vault.keys import Keys

    pair = Keys(_key_folder(call.opened(), repository))
    pair.require()
    for what, path in (("encrypted for", pair.encryption), ("signed by", pair.signing)):
        typer.echo(f"{what:<14}{', '.join(sealing.fingerprints(path, Door()))}")


@keys.command()
def drill(
    escrow: Annotated[Path, typer.Option("--with", metavar="FILE", help="The escrow text, brought back for this.")],
    repository: Repository = "",
    dry: Dry = False,
) -> None:
    """Open the newest copy at each remote with the escrowed key.

    `mainstay check` warns until this has worked, and again when it was too long ago.

    \b
    mainstay backup keys drill --with /root/escrow.txt
    """
    _start(repository, "drill_keys", dry=dry, params={"escrow": str(escrow.absolute())})


@app.command()
def restore(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="The target whose backup is restored.")],
    into: Annotated[str, typer.Option("--into", metavar="PLACE", help=_INTO, show_default=False)] = "",
    only: Annotated[str, typer.Option("--only", metavar="PART", help="One table or file of it.", show_default=False)] = "",
    backup: Annotated[str, typer.Option("--backup", metavar="ID", help="Its id; `latest`: the newest proven one.")] = "latest",
    repository: Repository = "",
    dry: Dry = False,
) -> None:  # fmt: skip
    """Rebuild a backup at a new place.

    It appears there complete and compared, or not at all. Nothing that exists is ever written to. Putting the restored copy
    in the place of the damaged one is yours to decide.

    \b
    mainstay restore db --into /srv/restored/app.db
    mainstay restore uploads --backup 20260301T020000-uploads-3f6c --into /srv/restored/uploads
    """
    place = str(Path(into).absolute()) if "/" in into else into
    params = {"target": target, "into": place, "backup": backup, "only": only}
    _start(repository, "restore", dry=dry, params={key: value for key, value in params.items() if value})


def _start(repository: str, task: str, *, yes: bool = False, dry: bool, params: dict[str, Any] | None = None) -> None:
    from mainstay.cli import doing

    how = doing.How(yes=yes, dry=dry)
    doing.start(lambda site: site.routine(f"{_repository(site, repository)}.{task}", params), how)


def _key_folder(site: App, repository: str) -> Path:
    folder: Path | None = site.site.targets[_repository(site, repository)].settings.keys
    if folder is None:
        raise ConfigError("no folder of keys is configured", next="set `keys` of the repository, such as /etc/mainstay/keys")
    return folder


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
