"""Channels of notices, and the templates that replace those of the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mainstay.config.bind import Binder
from mainstay.config.document import LARGEST, Node
from mainstay.config.mistakes import nearest
from mainstay.model.channel import SORTS, Channel, ChannelShape
from mainstay.system.files import read_bounded


def bind_channels(binder: Binder, nodes: Mapping[str, Node]) -> dict[str, Channel]:
    """Bind every channel; those with a mistake are left out."""
    found = {name: _channel(binder, name, node) for name, node in nodes.items()}
    return {name: channel for name, channel in found.items() if channel}


def check_templates(binder: Binder, templates: Mapping[str, Path]) -> None:
    """Note templates of sorts that there are none of, and those that cannot be read."""
    for sort, path in templates.items():
        key = f"notice_templates.{sort}"
        if sort not in SORTS:
            binder.mistakes.add(binder.origins[key], key, "no such sort of notice", nearest(sort, SORTS))
        elif problem := _problem(path):
            binder.mistakes.add(binder.origins[key], key, problem)


def _problem(path: Path) -> str:
    from jinja2 import Environment, TemplateSyntaxError

    try:
        Environment().parse(read_bounded(path, LARGEST).decode("utf-8"))
    except TemplateSyntaxError as error:
        return f"{path}:{error.lineno}: {error.message}"
    except OSError as error:
        return f"cannot read {path}: {(error.strerror or 'unreadable').lower()}"
    except UnicodeDecodeError:
        return f"{path} is not UTF-8"
    return ""


def _channel(binder: Binder, name: str, node: Node) -> Channel | None:
    path = f"notify.{name}"
    origin = binder.origins[path]
    own = binder.apart()
    (shape,) = own.records(node, path, origin, ChannelShape)
    return Channel(name, shape, origin, own.origins_below(path)) if shape else None
