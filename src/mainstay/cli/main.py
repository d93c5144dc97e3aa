"""The entry point."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command line and exit; while modules are imported, Ctrl-C simply ends the process."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from mainstay.cli import commands

    signal.signal(signal.SIGINT, signal.default_int_handler)
    commands.call()
