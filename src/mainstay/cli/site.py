"""The configuration: init, check-config, schema; and version."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Json

app = call.command()


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; never over a file that is there.")] = Path(
        "mainstay.yaml"
    ),
    name: Annotated[str, typer.Option("--site", metavar="NAME", help="The system's name; without it, the host's.")] = "",
) -> None:
    """Look around on this host and write a first configuration.

    What is found (databases, logs, services, the host itself) is written with the reason why it is there. Only what can be
    maintained becomes a target; what else was seen (crontabs, Compose files, ports) is kept as comments. What could disturb
    users is written as a comment for you to decide. Nothing is started or changed.

    \b
    mainstay init
    mainstay init /etc/mainstay/mainstay.yaml --site shop
    """
    import socket

    from mainstay import discover
    from mainstay.kinds import registry

    seen, notes = discover.discover(registry)
    notes += discover.surroundings(discover.Roots())
    text = discover.init_text(seen, notes, name or socket.gethostname(), discover.local_timezone(), registry)
    discover.write(file.absolute(), text, registry)
    call.say(f"wrote {file}: {len(seen)} targets\n  next: read it, then mainstay --config {file} check-config")


@app.command("check-config")
def check_config(
    explain: Annotated[bool, typer.Option("--explain", help="Every value in force, and the line that set it.")] = False,
    below: Annotated[str, typer.Option("--below", metavar="PATH", help="With --explain: a target or task only.")] = "",
    as_json: Json = False,
) -> None:
    """Tell every mistake in the configuration at once.

    Each comes with file, line and what was probably meant. What is allowed but risky is told as a warning. With --explain,
    every setting with its value, its meaning, and where it was written, or that it is a default.

    \b
    mainstay check-config
    mainstay check-config --explain --below db
    """
    from mainstay import config
    from mainstay.cli import notices
    from mainstay.kinds import registry

    site = config.load(call.configuration(), registry)
    risks = (*config.warnings(site), *notices.risks(site, call.now(site)))
    found = config.explain(site, registry, below) if explain else []
    if as_json:
        call.show_json("config/1", {"site": site.name, "files": site.files, "warnings": risks, "settings": found})
        return
    lines = [str(item) for item in found] or [_counted(len(site.targets), len(site.routines), len(site.windows))]
    call.say("\n".join([*lines, *(f"warning: {risk}" for risk in risks)]))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for an editor.

    \b
    mainstay schema > mainstay.schema.json
    """
    import json

    from mainstay import config
    from mainstay.kinds import registry

    call.say(json.dumps(config.schema(registry), indent=2))


@app.command()
def version(as_json: Json = False) -> None:
    """Print the versions that a report of a bug needs.

    \b
    mainstay version
    """
    import platform
    import sqlite3

    from mainstay import __version__

    parts = {"mainstay": __version__, "python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    parts["system"] = platform.platform()
    if as_json:
        call.show_json("version/1", dict(parts))
    else:
        call.say("\n".join(f"{name} {value}" for name, value in parts.items()))


def _counted(targets: int, routines: int, windows: int) -> str:
    from mainstay.report.document import plural

    return f"no mistake: {plural(targets, 'target')}, {plural(routines, 'routine')}, {plural(windows, 'window')}"
