"""How every value came to be: written on a line, or the default."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any

from mainstay.config.fields import declared
from mainstay.config.targets import Kinds
from mainstay.model.setting import SecretRef
from mainstay.model.target import Origin
from mainstay.model.task import Site, Task


@dataclass(frozen=True)
class Explained:
    """One value in force: `path` as in messages, `origin` its line (None = default), `help` what it means."""

    path: str
    value: str
    origin: Origin | None
    help: str

    def __str__(self) -> str:
        value = f" = {self.value}" if self.value else ""
        return f"{self.path}{value} ({self.origin or 'default'}): {self.help}"


def explain(site: Site, kinds: Kinds, below: str = "") -> list[Explained]:
    """List the settings of targets and parameters of tasks; `below` is a target, task id or path to begin with."""
    found = [*_targets(site, kinds), *_routines(site, kinds)]
    return [item for item in found if not below or f".{item.path}.".find(f".{below}.") >= 0]


def _targets(site: Site, kinds: Kinds) -> Iterator[Explained]:
    for target in site.targets.values():
        yield Explained(f"targets.{target.name}.kind", target.kind, target.origins.get("kind"), kinds.load(target.kind).summary)
        yield from _values(target.settings, f"targets.{target.name}", target.origins, "")


def _routines(site: Site, kinds: Kinds) -> Iterator[Explained]:
    for routine in site.routines.values():
        for task in (*routine.around, *routine.tasks, *routine.checks):
            path = f"routines.{routine.name}.{task.id}"
            yield Explained(path, "", task.origin, kinds.load(task.target.kind).task(task.name).summary)
            yield from _values(task.params, path, _own(task), "")


def _own(task: Task) -> dict[str, Origin]:
    """Return the lines of the parameters, without those of target settings of the same name."""
    target = task.target.origins
    return {name: origin for name, origin in task.origins.items() if target.get(name) != origin}


def _values(settings: Any, path: str, origins: Mapping[str, Origin], inner: str) -> Iterator[Explained]:
    shape: type = type(settings)
    for field in declared(shape).values():
        value, name = getattr(settings, field.name), f"{inner}{field.name}"
        if is_dataclass(value) and not isinstance(value, SecretRef):
            yield from _values(value, path, origins, f"{name}.")
        else:
            yield Explained(f"{path}.{name}", _printed(value), origins.get(name), field.setting.help)


def _printed(value: Any) -> str:
    if isinstance(value, SecretRef):
        return f"secret from {value.source}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(_printed(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_printed(item)}' for key, item in value.items())}}}"
    return "none" if value is None else str(value) or '""'
