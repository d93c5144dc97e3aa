"""Copies of backups elsewhere, and the keys that they are encrypted and signed with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mainstay.cli import call
from mainstay.cli.repository import Dry, Repository, Yes, named, start
from mainstay.model.errors import ConfigError

if TYPE_CHECKING:
    from mainstay.app import App

app = call.command()


@app.command()
def copy(repository: Repository = "", dry: Dry = False) -> None:
    """Copy every backup to every remote, encrypted and signed.

    What is at a remote already is not sent again. A copy is seen there only when it is complete.

    \b
    mainstay backup copy
    """
    start(repository, "copy", dry=dry)


@app.command("verify-copies")
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
    start(repository, "verify_copies", dry=dry, params={"which": "all" if every else "latest"})


@app.command("prune-copies")
def prune_copies(repository: Repository = "", yes: Yes = False, dry: Dry = False) -> None:
    """Remove the copies that no rule of their remote wants.

    Never the newest proven one there, and nothing while a signed list cannot be trusted.

    \b
    mainstay backup prune-copies --dry-run
    """
    start(repository, "prune_copies", yes=yes, dry=dry)


@app.command()
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
    start(repository, "fetch", dry=dry, params=params)


keys = call.command("keys", help="Make, show and try the keys that copies are encrypted and signed with.")
app.add_typer(keys)


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
    folder = _keys_of(site, repository)
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

    pair = Keys(_keys_of(call.opened(), repository))
    pair.require()
    for what, path in (("encrypted for", pair.encryption), ("signed by", pair.signing)):
        typer.echo(f"{what:<14}{', '.join(sealing.fingerprints(path, Door()))}")


@keys.command("drill")
def drill_keys(
    escrow: Annotated[Path, typer.Option("--with", metavar="FILE", help="The escrow text, brought back for this.")],
    repository: Repository = "",
    dry: Dry = False,
) -> None:
    """Open the newest copy at each remote with the escrowed key.

    `mainstay check` warns until this has worked, and again when it was too long ago.

    \b
    mainstay backup keys drill --with /root/escrow.txt
    """
    start(repository, "drill_keys", dry=dry, params={"escrow": str(escrow.absolute())})


def _keys_of(site: App, repository: str) -> Path:
    folder: Path | None = site.site.targets[named(site, repository)].settings.keys
    if folder is None:
        raise ConfigError("no folder of keys is configured", next="set `keys` of the repository, such as /etc/mainstay/keys")
    return folder
