"""install: Mainstay as a service of this machine."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mainstay.cli import call

if TYPE_CHECKING:
    from mainstay.install.install import Installer

app = call.command()


@app.command()
def install(
    user: Annotated[
        str, typer.Option("--user", metavar="NAME", help="The user that it runs as; made if there is none.")
    ] = "mainstay",
    prefix: Annotated[Path, typer.Option("--prefix", metavar="ROOT", help="Install into the image whose root this is.")] = Path(
        "/"
    ),
    program: Annotated[
        Path | None, typer.Option("--program", metavar="FILE", show_default=False, help="The program; without it, this one.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take it back; user, ledger and backups stay.")] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Overwrite what somebody has changed.")] = False,
) -> None:
    """Make it a service: units for systemd, a user, a state folder.

    mainstay.service keeps everything going; mainstay-settle.timer goes on with runs whose process is gone even when the
    service is not there. Where a target says `privilege: root`, mainstay-root.socket starts a unit for each look at it and
    each of its steps. All are confined to their state and to what the targets of the configuration write. Calling it again
    changes only what has to be; a unit that somebody has edited is shown as a diff first, and needs --yes.

    \b
    mainstay install --dry-run
    mainstay --config /etc/mainstay/mainstay.yaml install
    mainstay install --remove
    """
    from mainstay.config.writes import writes
    from mainstay.install import install as installing
    from mainstay.install import units

    site, config = call.opened().site, Path(os.path.abspath(call.configuration()))
    places = writes(site)
    needs_root = any(target.privilege == "root" for target in site.targets.values())
    written = [place.path for place in places if not place.as_root] + ([site.serve.socket.parent] if site.serve.socket else [])
    wanted = units.Wanted(
        site.name,
        _program(program),
        config,
        user,
        site.state,
        tuple(written),
        as_root=tuple(place.path for place in places if place.as_root) if needs_root else None,
        root_socket=site.serve.root,
        stop_within=site.serve.stop_within,
    )
    installer = installing.Installer(wanted, Path(os.path.abspath(prefix)), call.say, dry)
    _may(installer, yes=yes)
    if remove:
        installer.remove()
    else:
        installer.install(places)


def _may(installer: Installer, *, yes: bool) -> None:
    """Refuse what needs root, or consent: somebody's changes would be lost."""
    from mainstay.model.errors import Refused

    if not installer.dry and os.geteuid() != 0:
        raise Refused("this needs root", because="it writes units and makes a user", next="sudo, or look with --dry-run")
    changed = [file for file in installer.files() if file.state == "changed"]
    for file in changed:
        call.say(file.diff.rstrip("\n"))
    if changed and not yes and not installer.dry:
        because = f"somebody has changed {', '.join(str(file.path) for file in changed)}"
        raise Refused("nothing was done", because=because, next="keep the change in `systemctl edit`, then pass --yes")


def _program(named: Path | None) -> tuple[str, ...]:
    """Return how the service is started: a program that was named, the one that runs, or this Python."""
    called = named or Path(shutil.which(sys.argv[0]) or "")
    if named or called.name == "mainstay":
        return (os.path.abspath(called),)
    return (sys.executable, "-P", "-m", "mainstay.cli")
