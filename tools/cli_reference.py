"""Write docs/reference/cli.md: the help of every command, as the command line itself prints it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "cli.md"
WIDTH = 80
HEAD = """\
# Commands

The help of every command, as it is printed; made by `python tools/cli_reference.py`. What `--json` prints is described in
[cli-json.md](cli-json.md).
"""


def page() -> str:
    """Return the page."""
    os.environ["COLUMNS"] = str(WIDTH)
    import typer

    from mainstay.cli.commands import app

    return HEAD + "".join(_sections(typer.main.get_command(app), "mainstay", None))


def _sections(command: Any, name: str, parent: Any) -> Iterator[str]:
    from typer.core import TyperGroup

    context = command.make_context(name.split()[-1], [], parent=parent, resilient_parsing=True)
    text = "\n".join(line.rstrip() for line in context.get_help().splitlines())
    yield f"\n## {name}\n\n```text\n{text}\n```\n"
    if isinstance(command, TyperGroup):
        for inner in command.list_commands(context):
            yield from _sections(command.get_command(context, inner), f"{name} {inner}", context)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
