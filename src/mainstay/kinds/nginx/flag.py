"""The flag on disk: set and lifted by one rename each, with everything that a stranger needs to know inside.

folder/pages/OWNER/END/   the pages and flag.json of one mode; END is its expected end as an HTTP date
folder/page               a link to the newest of them; it stays, for whoever saw the flag a moment before it was lifted
folder/on                 the same link, and the switch itself
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from mainstay.kinds.nginx import include, page
from mainstay.kinds.nginx.facts import Flag
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Args
from mainstay.model.units import Size
from mainstay.system import files

_READABLE = 0o644
_ENTERED = 0o755


def read(folder: Path, held: frozenset[str]) -> Flag | None:
    """Return the flag that is set, None when none is."""
    link = folder / "on"
    if not os.path.lexists(link):
        return None
    try:
        known: dict[str, Any] = json.loads(files.read_bounded(link / "flag.json", Size(1 << 16)))
        times = {name: datetime.fromisoformat(known[name]) for name in ("begun", "until", "lease")}
        owner = str(known["owner"])
        return Flag(owner, str(known["reason"]), owned=held_name(owner) in held, **times)
    except (OSError, ValueError, KeyError, TypeError):
        return Flag("")


def held_name(owner: str) -> str:
    """Return the name that an open run holds as long as its flag may be set."""
    return f"maintenance:{owner}"


def hoist(folder: Path, target: str, args: Args) -> None:
    """Write the pages, then set the flag; what was there before is replaced."""
    date = http_date(datetime.fromisoformat(args["until"]))
    made = folder / "pages" / args["owner"] / date
    try:
        for one in (folder, folder / "pages", made.parent, made):
            made_before = one.is_dir()
            one.mkdir(parents=True, exist_ok=True)
            if one != folder or not made_before:  # a folder that an operator has made keeps its mode
                one.chmod(_ENTERED)
        names = include.pages(target)
        contents = {names["html"]: page.html(args), names["json"]: page.json(args), "flag.json": json.dumps(args, indent=1)}
        for name, text in contents.items():
            files.write_atomic(made / name, text.encode(), _READABLE)
        for name in ("page", "on"):
            _link(folder / name, made.relative_to(folder))
        for old in sorted(set((folder / "pages").iterdir()) - {made.parent}):
            files.remove(old)
    except OSError as error:
        raise StepFailed(
            "the flag cannot be set", on=str(folder), because=str(error), next="look at its owner and mode"
        ) from error


def lower(folder: Path, owner: str) -> None:
    """Lift the flag of an owner; that of anybody else stays."""
    found = read(folder, frozenset())
    if found is None or found.owner != owner:
        return
    try:
        (folder / "on").unlink(missing_ok=True)
        files.sync_folder(folder)
    except OSError as error:
        raise StepFailed("the flag cannot be lifted", on=str(folder / "on"), because=str(error), next="remove it") from error


def http_date(at: datetime) -> str:
    """Return a moment as HTTP writes it, to the second."""
    return format_datetime(at, usegmt=True)


def _link(link: Path, to: Path) -> None:
    spool = files.spool_of(link)
    spool.unlink(missing_ok=True)
    os.symlink(to, spool)
    os.replace(spool, link)
    files.sync_folder(link.parent)
