"""What `mainstay init` finds of logs: the policies of logrotate, and folders below /var/log that hold logs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mainstay.kinds.kind import Found
from mainstay.kinds.logs.logrotate import Block, blocks
from mainstay.kinds.logs.settings import Settings

_PERIODS = {"hourly": "1h", "daily": "1d", "weekly": "7d", "monthly": "30d", "yearly": "365d"}
_DAILY = ("rotate", "compress", "retention")


def found(rotators: tuple[Path, ...] = tuple(Settings.rivals), folder: Path = Path("/var/log")) -> list[Found]:
    """Look around on this host."""
    return [*(imported(block) for block in blocks(rotators) if block.paths), *_folders(folder)]


def imported(block: Block) -> Found:
    """Translate a logrotate block; what its scripts do has to be said by hand."""
    said = block.directives
    settings: dict[str, Any] = {"paths": list(block.paths)}
    if period := next((period for name, period in _PERIODS.items() if name in said), ""):
        settings["every"] = period
    if said.get("rotate", "").isdigit() and said["rotate"] != "0":
        settings["keep"] = int(said["rotate"])
    if said.get("maxage", "").isdigit():
        settings["max_age"] = f"{said['maxage']}d"
    settings["delay"] = 1 if "delaycompress" in said else 0
    if mode := next((word for word in said.get("create", "").split() if word.isdigit()), ""):
        settings["mode"] = mode
    todo = ["it has a script: say in `reopen` which process gets which signal"] if block.scripted else []
    todo += ["it copies and truncates, which loses lines: set reopen or append_only"] if "copytruncate" in said else []
    comment = "; ".join([f"from {block.file}: remove it there, both must not rotate", *todo])
    return Found(f"logs-{Path(block.file).name}", settings, comment, _DAILY)


def _folders(folder: Path) -> Iterator[Found]:
    for inner in sorted(folder.iterdir()) if folder.is_dir() else ():
        if inner.is_dir() and any(inner.glob("*.log")):
            comment = f"{len(list(inner.glob('*.log')))} logs; say how their writer reopens them"
            yield Found(f"logs-{inner.name}", {"paths": [f"{inner}/*.log"]}, comment, _DAILY)
