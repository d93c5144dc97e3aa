"""What the commands share: which configuration, what time it is there, and how a result is printed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from mainstay.model.errors import ConfigError

if TYPE_CHECKING:
    from mainstay.app import App
    from mainstay.model.task import Site
    from mainstay.report.document import Document

VARIABLE = "MAINSTAY_CONFIG"
PLACES = (Path("mainstay.yaml"), Path("/etc/mainstay/mainstay.yaml"))


def command(name: str = "", *, help: str = "") -> typer.Typer:
    """Return an empty group of commands, without Rich and without a completion of its own."""
    return typer.Typer(name=name or None, help=help or None, rich_markup_mode=None, add_completion=False, no_args_is_help=True)


def configuration() -> Path:
    """Return the configuration that was named, or the first that is where one may be expected."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    for place in PLACES:
        if place.exists():
            return place
    raise ConfigError(
        f"no configuration: neither {PLACES[0]} here nor {PLACES[1]}", next="mainstay init, or name one with --config FILE"
    )


def opened(wish: Callable[[], bool] = lambda: False) -> App:
    """Open the site of the configuration."""
    from mainstay.app import App

    return App.open(configuration(), wish=wish)


def opened_or_asked(wish: Callable[[], bool] = lambda: False) -> App:
    """Open the site; where its state folder is another user's, ask the service for this very call instead, and exit."""
    from mainstay.cli import asking

    site = opened(wish)
    asking.instead(site.site)
    return site


def now(site: Site) -> datetime:
    """Return the time, in the zone of the site."""
    from mainstay.system import clock

    return clock.now().astimezone(ZoneInfo(site.timezone))


def show(document: Document) -> None:
    """Print a document as it fits the terminal."""
    from mainstay.report import terminal

    terminal.show(document)


def say(text: str) -> None:
    """Print a line; a reader who has gone away is no error."""
    from mainstay.report import terminal

    terminal.put(f"{text}\n", sys.stdout)


def show_json(schema: str, value: dict[str, Any]) -> None:
    """Print a result as JSON; `schema` is its name in docs/reference/cli-json.md, after `mainstay.`."""
    say(as_json(schema, value))


def as_json(schema: str, value: dict[str, Any]) -> str:
    """Return a result as JSON."""
    import json

    from mainstay.model.codec import encode

    return json.dumps({"schema": f"mainstay.{schema}", **encode(value)}, indent=2, ensure_ascii=False, allow_nan=False)


def completed(names: Callable[[App], list[str]]) -> Callable[[str], list[str]]:
    """Return a completion that offers names of the configuration; none where that cannot be read."""

    def offer(incomplete: str) -> list[str]:
        try:
            return [name for name in names(opened()) if name.startswith(incomplete)]
        except ConfigError:
            return []

    return offer


def _tasks(app: App) -> list[str]:
    targets = app.site.targets.values()
    return [f"{target.name}.{task}" for target in targets for task in app.context.kind(target).names]


def _recent(app: App) -> list[str]:
    return [run.id for run in app.runs(20)]


def _open(app: App) -> list[str]:
    return [run.id for run in app.unsettled()]


Json = Annotated[bool, typer.Option("--json", help="Print JSON, as docs/reference/cli-json.md describes it.")]
What = Annotated[
    str,
    typer.Argument(
        metavar="ROUTINE|TASK",
        help="A routine, or a single task such as db.optimize.",
        autocompletion=completed(lambda app: [*app.site.routines, *_tasks(app)]),
    ),
]
Run = Annotated[
    str, typer.Argument(metavar="RUN", help="The id of a run; `last` is the newest.", autocompletion=completed(_recent))
]
OpenRun = Annotated[
    str, typer.Argument(metavar="RUN", help="A run; `last`: the newest that is not settled.", autocompletion=completed(_open))
]
TaskId = Annotated[str, typer.Argument(metavar="TASK", help="A task, such as db.optimize.", autocompletion=completed(_tasks))]
Targets = Annotated[
    list[str] | None,
    typer.Argument(metavar="TARGET", help="Targets; all by default.", autocompletion=completed(lambda app: [*app.site.targets])),
]
CATEGORIES = ("system", "application", "data", "infrastructure")


def known_category(value: str | None) -> str | None:
    """Refuse a category that there is none of."""
    if value is not None and value not in CATEGORIES:
        raise typer.BadParameter(f"known: {', '.join(CATEGORIES)}")
    return value


Category = Annotated[
    str | None,
    typer.Option("--category", callback=known_category, metavar="NAME", help=f"Only one category: {', '.join(CATEGORIES)}."),
]
Name = Annotated[
    str, typer.Option("--name", metavar="NAME", help="Who says so; without it, the user who is logged in.", show_default=False)
]


def in_words(value: str) -> str:
    """Refuse a text that says nothing: the journal keeps it, and people read it."""
    if not value.strip():
        raise typer.BadParameter("say it in words")
    return value


Remark = Annotated[str, typer.Option("--remark", metavar="TEXT", help="What is to be remembered about it.", show_default=False)]


def person(name: str) -> str:
    """Return who acts."""
    import getpass

    return name or getpass.getuser()
