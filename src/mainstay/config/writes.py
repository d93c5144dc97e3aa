"""What the tasks of a site write, from the declarations of its settings: what an installed service is allowed to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any

from mainstay.config.fields import declared
from mainstay.model.task import Site

_WILD = frozenset("*?[")


@dataclass(frozen=True, order=True)
class Written:
    """A folder or file that tasks of a target write; `made` where they make it when it is not there.

    `as_root` tells whether the root unit writes it.
    """

    path: Path
    target: str
    made: bool = False
    as_root: bool = False


def writes(site: Site) -> list[Written]:
    """Return what the targets of a site need to write, sorted, each place once."""
    targets = site.targets.values()
    found = {Written(path, one.name, made, one.privilege == "root") for one in targets for path, made in _of(one.settings)}
    return sorted({(one.path, one.as_root): one for one in sorted(found, reverse=True)}.values())


def _of(settings: Any) -> Iterator[tuple[Path, bool]]:
    shape: type = type(settings)
    for field in declared(shape).values():
        value, how = getattr(settings, field.name), field.setting.writes
        for one in _each(value):
            if is_dataclass(one) and not isinstance(one, type):
                yield from _of(one)
            elif how and one is not None:
                path = _certain(Path(one))
                yield (path.parent if how == "beside" and path == Path(one) else path), how == "makes"


def _each(value: Any) -> tuple[Any, ...]:
    if isinstance(value, dict):
        return tuple(value.values())
    return tuple(value) if isinstance(value, list | tuple | frozenset) else (value,)


def _certain(path: Path) -> Path:
    """Return the part of a pattern that holds no wildcard: the folder below which it matches."""
    wild = next((number for number, part in enumerate(path.parts) if _WILD & set(part)), None)
    return path if wild is None else Path(*path.parts[:wild])
