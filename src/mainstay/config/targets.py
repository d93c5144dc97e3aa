"""Targets: each bound to the settings of its kind, and found again by whatever names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mainstay.config.bind import Binder, is_map
from mainstay.config.document import Leaf, Node
from mainstay.config.mistakes import nearest, shown
from mainstay.config.shape import TargetShape
from mainstay.model.setting import HOST, Place
from mainstay.model.target import Target
from mainstay.model.task import Site

if TYPE_CHECKING:
    from mainstay.kinds.kind import Kind


class Kinds(Protocol):
    """The kinds that a configuration may use; the registry is one."""

    @property
    def PLANNED(self) -> tuple[str, ...]:
        """Name the kinds that a later version will have."""

    def names(self) -> tuple[str, ...]:
        """Name the kinds there are."""

    def load(self, name: str) -> Kind:
        """Import a kind."""


@dataclass(frozen=True)
class Known:
    """A name that the file gives to a target; what could not be understood of it is None."""

    kind: Kind | None
    target: Target | None


def bind_targets(binder: Binder, kinds: Kinds, nodes: Mapping[str, Node]) -> dict[str, Known]:
    """Bind every target of the file."""
    return {name: _bind(binder, kinds, name, node) for name, node in nodes.items()}


def known_targets(site: Site, kinds: Kinds) -> dict[str, Known]:
    """Return the targets of a site in the form in which tasks look them up."""
    return {name: Known(kinds.load(target.kind), target) for name, target in site.targets.items()}


def check_references(binder: Binder, targets: Mapping[str, Known]) -> None:
    """Check every value that names a target."""
    for reference in (one for one in binder.references if one.what == "target"):
        allowed = [name for name, known in targets.items() if known.kind is None or _fits(known.kind, reference.kinds)]
        if reference.name not in targets:
            binder.mistakes.add(
                reference.origin, reference.path, f"no target {shown(reference.name)}", nearest(reference.name, allowed)
            )
        elif reference.name not in allowed:
            problem = f"{reference.name} is not of kind {' or '.join(reference.kinds)}"
            binder.mistakes.add(reference.origin, reference.path, problem, nearest(reference.name, allowed))


def _bind(binder: Binder, kinds: Kinds, name: str, node: Node) -> Known:
    path = f"targets.{name}"
    origin = binder.origins[path]
    kind = _kind(binder, kinds, node, path)
    if kind is None:
        return Known(None, None)
    own = binder.apart()
    settings, shape = own.records(node, path, origin, kind.settings, TargetShape)
    if settings is None or shape is None:
        return Known(kind, None)
    place = Place(shape.runs_in.container) if shape.runs_in else HOST
    return Known(kind, Target(name, kind.name, settings, place, origin, own.origins_below(path), shape.privilege))


def _kind(binder: Binder, kinds: Kinds, node: Node, path: str) -> Kind | None:
    origin, value = binder.entries(node, path, binder.origins[path]).get("kind", (binder.origins[path], None))
    if not is_map(node):
        return None
    if not isinstance(value, Leaf):
        binder.mistakes.add(origin, f"{path}.kind", "is missing", f"write kind: with one of {', '.join(kinds.names())}")
    elif value.text in kinds.names():
        return kinds.load(value.text)
    elif value.text in kinds.PLANNED:
        problem = f"kind {value.text}: not available in this version"
        binder.mistakes.add(origin, f"{path}.kind", problem, f"available: {', '.join(kinds.names())}")
    else:
        binder.mistakes.add(origin, f"{path}.kind", f"no kind {shown(value.text)}", nearest(value.text, kinds.names()))
    return None


def _fits(kind: Kind, kinds: tuple[str, ...]) -> bool:
    return not kinds or kind.name in kinds
