"""Windows and blackouts."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mainstay.config.bind import Binder
from mainstay.config.document import Node
from mainstay.config.shape import BlackoutShape, WindowShape
from mainstay.model.plan import Impact
from mainstay.model.task import Blackout, Moment, Window
from mainstay.model.units import Duration
from mainstay.schedule import leads, rules
from mainstay.schedule.blackouts import parse_dates

_DAY = Duration(86400)


def bind_windows(binder: Binder, nodes: Mapping[str, Node]) -> dict[str, Window]:
    """Bind every window; the ones with a mistake are left out."""
    found = {name: _window(binder, name, node) for name, node in nodes.items()}
    return {name: window for name, window in found.items() if window}


def bind_blackouts(binder: Binder, nodes: Mapping[str, Node]) -> dict[str, Blackout]:
    """Bind every blackout; the ones with a mistake are left out."""
    found = {name: _blackout(binder, name, node) for name, node in nodes.items()}
    return {name: blackout for name, blackout in found.items() if blackout}


def _window(binder: Binder, name: str, node: Node) -> Window | None:
    path = f"windows.{name}"
    origin = binder.origins[path]
    (shape,) = binder.records(node, path, origin, WindowShape)
    if shape is None:
        return None
    read = [_readable(binder, f"{path}.rule", shape.rule, rules.parse)]
    for key, texts, parse in (("notices", shape.notices, leads.parse), ("status", shape.status, leads.clock)):
        read += [_readable(binder, f"{path}.{key}[{number}]", text, parse) for number, text in enumerate(texts)]
    own = {key: getattr(shape, key) for key in ("rule", "length", "postpone", "notices", "status", "advice", "untold")}
    return Window(name, **own, max_impact=Impact[shape.max_impact.upper()], origin=origin) if all(read) else None


def _blackout(binder: Binder, name: str, node: Node) -> Blackout | None:
    path = f"blackouts.{name}"
    origin = binder.origins[path]
    (shape,) = binder.records(node, path, origin, BlackoutShape)
    if shape is None:
        return None
    read = [
        _readable(binder, f"{path}.{key}", text, parse)
        for key, text, parse in (("on", shape.on, parse_dates), ("rule", shape.rule, rules.parse))
        if text
    ]
    if not all(read):
        return None
    moment = Moment(shape.moment.target, shape.moment.query) if shape.moment else None
    own = {key: getattr(shape, key) for key in ("on", "rule", "ical", "match", "before", "after", "reason")}
    impact = Impact[shape.max_impact.upper()]
    return Blackout(name, **own, length=shape.length or _DAY, moment=moment, max_impact=impact, origin=origin)


def _readable(binder: Binder, path: str, text: str, parse: Callable[[str], object]) -> bool:
    """Tell whether a text can be read; what is wrong with it is noted with its line."""
    try:
        parse(text)
    except ValueError as error:
        binder.mistakes.add(binder.origins[path], path, str(error))
        return False
    return True
