"""The names of a configuration without the kinds behind them: all that `status` needs, in a fraction of the time.

Importing every kind and binding every setting takes most of a quarter of a second; what is asked of the ledger needs names,
lines and windows only. A mistake in a setting is told by every other command.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from mainstay.config.bind import Binder
from mainstay.config.channels import bind_channels
from mainstay.config.document import Leaf, Map, Node
from mainstay.config.include import Sources
from mainstay.config.load import sections, top_level
from mainstay.config.mistakes import Mistakes
from mainstay.config.routines import bind_routines
from mainstay.config.shape import SiteShape
from mainstay.config.windows import bind_blackouts, bind_windows
from mainstay.model.target import Origin, Target
from mainstay.model.task import Site, Task


def outline(path: Path) -> Site:
    """Return a Site whose targets have no settings and whose tasks have no parameters; ConfigError says what is wrong even so."""
    path = Path(os.path.abspath(path))
    mistakes = Mistakes(f"the configuration {path} cannot be used")
    sources = Sources(path, mistakes)
    if not sources.complete:
        mistakes.raise_any()
    root, binder = sources.root(), Binder(mistakes)
    (shape,) = binder.records(root, "", root.origin, SiteShape)
    nodes = sections(binder, root)
    targets = {name: _target(name, node) for name, node in nodes["targets"].items()}
    routines = bind_routines(binder, _Names(targets), nodes["routines"], nodes["windows"])
    windows = bind_windows(binder, nodes["windows"])
    blackouts = bind_blackouts(binder, nodes["blackouts"])
    channels = bind_channels(binder, nodes["notify"])
    mistakes.raise_any()
    assert shape is not None  # else a mistake was noted
    site = Site(shape.site, shape.timezone, targets, routines, windows, shape.state, tuple(sources.files), **top_level(shape))
    return replace(site, blackouts=blackouts, channels=channels)


class _Names:
    """Reads the entries of a routine's lists as names."""

    def __init__(self, targets: dict[str, Target]) -> None:
        self._targets = targets

    def entries(self, nodes: tuple[Node, ...], path: str, key: str, seen: dict[str, Origin] | None = None) -> tuple[Task, ...]:
        """Return the tasks of one list."""
        return tuple(self._task(node.text if isinstance(node, Leaf) else _first(node)) for node in nodes)

    def _task(self, id: str) -> Task:
        name, _, task = id.partition(".")
        return Task(id, self._targets.get(name, Target(name, "", None)), task, None)


def _first(node: Node) -> str:
    return node.entries[0][0].text if isinstance(node, Map) and node.entries else ""


def _target(name: str, node: Node) -> Target:
    kind = {key.text: value for key, value in node.entries}.get("kind") if isinstance(node, Map) else None
    return Target(name, kind.text if isinstance(kind, Leaf) else "", None)
