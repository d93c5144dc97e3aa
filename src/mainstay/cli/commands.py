"""The table of commands, the global options, and what becomes of an error."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any

import typer
from click.utils import make_default_short_help
from typer.core import TyperGroup

from mainstay import __version__
from mainstay.cli.call import VARIABLE
from mainstay.model.errors import MainstayError

LONGEST = 2000  # characters of a line of an error
_SUMMARY = 70  # characters of a command's line in the list of all
BUG, INTERRUPTED = 70, 130  # sysexits.h: EX_SOFTWARE; shells: 128 + SIGINT
SECTIONS = {
    "Set up": {"init": "site", "check-config": "site", "schema": "site", "doctor": "doctor", "demo": "demo"},
    "Look": {"status": "look", "check": "look", "why": "look", "plan": "run", "page": "page"},
    "Plan ahead": {"windows": "windows", "ready": "run", "rehearse": "rehearse", "window": "windows", "blackout": "blackout"},
    "Do": {
        "run": "run",
        "backup": "backup",
        "restore": "backup",
        "wal": "wal",
        "logs": "logs",
        "compat": "compat",
        "mode": "mode",
    },
    "People": {"notify": "notify", "checklist": "checklist", "remind": "checklist", "emergency": "emergency"},
    "Go on with a run": {"sign": "recover", "resume": "recover", "cancel": "recover", "rollback": "recover", "settle": "recover"},
    "Keep it going": {"serve": "serve", "ask": "serve", "install": "install", "root": "root"},
    "Look back": {
        "runs": "memory",
        "show": "memory",
        "report": "memory",
        "trends": "trends",
        "ledger": "ledger",
        "version": "site",
    },
}
COMMANDS = {name: module for section in SECTIONS.values() for name, module in section.items()}


class Commands(TyperGroup):
    """Commands by name; a file is imported when one of its commands is called, or when help lists them all."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order in which they are listed."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the command of that name; None when there is none."""
        return _commands_of(COMMANDS[cmd_name])[cmd_name] if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is called; for a slip of the keyboard name the nearest."""
        if args and args[0] not in COMMANDS:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, 1)
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands by what they are for, each with the first sentence of its help."""
        for title, section in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<12}", _summaries_of(module)[name]) for name, module in section.items()])


@cache
def _summaries_of(module: str) -> Mapping[str, str]:
    """Return the first sentence of each command of a file, from the functions and groups that commands are made of."""
    found: typer.Typer = import_module(f"mainstay.cli.{module}").app
    made = ((one.name, one.callback) for one in found.registered_commands)
    helps = {name or act.__name__.replace("_", "-"): act.__doc__ for name, act in made if act}
    groups = (one.typer_instance.info for one in found.registered_groups if one.typer_instance)
    helps |= {str(group.name): group.help for group in groups}
    return {name: make_default_short_help(text or "", max_length=_SUMMARY) for name, text in helps.items()}


@cache
def _commands_of(module: str) -> Mapping[str, Any]:
    """Import a file of commands; making them from its functions takes longer than importing it."""
    found = typer.main.get_group(import_module(f"mainstay.cli.{module}").app).commands
    for command in found.values():
        _without_variables(command)
    return found


def _without_variables(command: Any) -> None:
    """Have errors name an option alone: none has an environment variable, of which Typer would say that it is 'None'."""
    for option in command.params:
        option.show_envvar = False
    for inner in getattr(command, "commands", {}).values():
        _without_variables(inner)


app = typer.Typer(name="mainstay", cls=Commands, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def options(
    ctx: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", metavar="FILE", show_default=False, show_envvar=False, readable=False,
            help="The configuration; without it $MAINSTAY_CONFIG, ./mainstay.yaml, then /etc/mainstay/mainstay.yaml.",
        ),
    ] = None,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours; so does the variable NO_COLOR.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:  # fmt: skip
    """Maintenance as a transaction: what is done is planned first, proven afterwards, and taken back when it fails.

    One file says what is maintained (`mainstay init` writes a first one). `mainstay plan ROUTINE` shows what would be done
    and why, `mainstay run ROUTINE` does it, and after a crash `mainstay resume RUN` knows what was half done.

    \b
    mainstay status                 what needs you now, from memory
    mainstay plan daily             what the routine would do, and why
    mainstay run daily              do it, with live progress
    mainstay show last              what was done, and the proof

    Exit codes: 0 ok, 1 a check or a run failed, 2 wrong configuration or usage, 3 refused by a gate, 4 unreachable, 70 a bug.
    `mainstay check` exits as monitoring plugins do: 0 ok, 1 warning, 2 critical, 3 unknown.
    """
    if config:
        os.environ[VARIABLE] = str(config)
    if no_color:
        os.environ["NO_COLOR"] = "1"
    if version:
        typer.echo(f"mainstay {__version__}")
    elif ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def call() -> None:
    """Run what the command line asks for, and exit."""
    sys.excepthook = _bug
    try:
        typer.main.get_command(app)(prog_name="mainstay")
    except MainstayError as error:
        from mainstay.report import terminal

        terminal.put(told(error, colour=terminal.colour_of(sys.stderr)), sys.stderr)
        sys.exit(error.exit_code)


def told(error: MainstayError, *, colour: bool) -> str:
    """Return an error as it is printed: what, on what, because of what, and in a line of its own what to do next."""
    from mainstay.report.document import clean

    first, *rest = (clean(line, LONGEST) for line in str(error).splitlines())
    head = f"\033[1;31merror:\033[0m {first}" if colour else f"error: {first}"
    return "\n".join([head, *rest]) + "\n"


def _bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print where a bug showed itself, without the values of variables, and exit with 70; a Ctrl-C is no bug."""
    if issubclass(kind, KeyboardInterrupt):
        os._exit(INTERRUPTED)
    import traceback

    lines = traceback.format_exception(kind, error, trace)
    sys.stderr.write(f"{''.join(lines)}\nThis is a bug in Mainstay {__version__}. ")
    sys.stderr.write("A run that was under way is whole in the journal: mainstay status\n")
    sys.stderr.flush()
    os._exit(BUG)
