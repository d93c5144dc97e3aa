"""demo: a real system, made on the spot and maintained while it serves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mainstay.cli import call

if TYPE_CHECKING:
    from mainstay.model.run import RunRecord

app = call.command()


class Shown:
    """What the demo needs of a site; each method shows what it does."""

    def __init__(self, configuration: Path) -> None:
        from mainstay.app import App

        self._app = App.open(configuration)

    def check(self) -> None:
        """Show the state of every target."""
        from mainstay.cli import look

        look.show_checks(self._app, self._app.check(), full=False)

    def forecast(self, name: str) -> None:
        """Show what a routine would do, and why."""
        from mainstay.cli import doing

        doing.show_plan(self._app, self._app.forecast(name))

    def run(self, name: str) -> RunRecord:
        """Run a routine with live progress; who started the demo consents to what it does in its own folder."""
        from mainstay.cli import doing

        launch = doing.attended(self._app, self._app.routine(name), yes=True)
        with doing.listening(self._app) as live:
            record = live.run(name, launch)
        doing.conclude(record, self._app)
        return record

    def report(self, run: str, path: Path) -> None:
        """Write the report of a run as one HTML file."""
        from mainstay.cli import reports

        reports.save(str(path), reports.written(self._app, reports.Asked(run), "html")[0])


@app.command()
def demo(
    folder: Annotated[Path | None, typer.Option("--dir", metavar="FOLDER", help="A new folder; without it, one in /tmp.")] = None,
) -> None:
    """Make a small real system and maintain it while it serves.

    A shop answers 100 requests a second meanwhile; afterwards every request and every log line is counted. Everything happens
    in one new folder and on loopback; the folder stays for you to look at, and to delete.

    \b
    mainstay demo
    mainstay demo --dir ~/shop
    """
    import tempfile

    from mainstay.demo import story
    from mainstay.model.errors import ConfigError

    place = folder.absolute() if folder else Path(tempfile.mkdtemp(prefix="mainstay-demo-"))
    if folder and place.exists() and any(place.iterdir()):
        raise ConfigError(f"{place} is not empty", next="name a new folder")
    place.mkdir(parents=True, exist_ok=True)
    raise typer.Exit(story.tell(place, Shown, call.say))
