"""JSON Schema (2020-12) of the configuration file, for editors."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

from mainstay.config.document import Node
from mainstay.config.fields import REQUIRED, Declared, declared, members
from mainstay.config.shape import (
    NAME,
    BlackoutShape,
    ChecklistShape,
    PhaseShape,
    RequireShape,
    RoutineShape,
    SiteShape,
    TargetShape,
    TaskShape,
    WindowShape,
)
from mainstay.config.targets import Kinds
from mainstay.model.channel import ChannelShape
from mainstay.model.checklist import Item
from mainstay.model.codec import encode
from mainstay.model.setting import SecretRef, Setting
from mainstay.model.units import Duration, Share, Size

if TYPE_CHECKING:
    from mainstay.kinds.kind import Kind

Schema = dict[str, Any]

_PATTERNS = {
    Duration: r"^\s*(\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*)+$",
    Size: r"^\s*\d+(\.\d+)?\s*(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)?\s*$",
    Share: r"^\s*\d+(\.\d+)?\s*%?\s*$",
}
_PLAIN: dict[Any, Schema] = {
    str: {"type": ["string", "number"]},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Path: {"type": "string", "pattern": "^/"},
    Any: {},
}
_SECRET: Schema = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        "file": {"type": "string", "pattern": "^/", "description": "file of mode 0600"},
        "credential": {"type": "string", "description": "name in systemd's credentials directory"},
        "command": {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": "program that prints it"},
        "env": {"type": "string", "description": "environment variable; readable by all processes of the user"},
    },
}


def schema(kinds: Kinds) -> Schema:
    """Return the schema of a configuration that uses these kinds."""
    loaded = [kinds.load(name) for name in kinds.names()]
    root = _object(SiteShape)
    shapes = {"windows": WindowShape, "blackouts": BlackoutShape, "notify": ChannelShape}
    flat = {name: _object(shape) for name, shape in shapes.items()}
    sections = {"targets": _target(loaded), "routines": _routine(), **flat, "checklists": _checklist()}
    for name, inner in sections.items():
        root["properties"][name] |= {"additionalProperties": inner, "propertyNames": {"pattern": f"^{NAME.pattern}$"}}
    shared = {"task": _entry(loaded), "secret": _SECRET}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "mainstay.yaml", **root, "$defs": shared}


def _target(kinds: Iterable[Kind]) -> Schema:
    """Return one schema for each kind, chosen by the key `kind`."""
    shapes = [_object(kind.settings, TargetShape) for kind in kinds]
    for kind, shape in zip(kinds, shapes, strict=True):
        shape["properties"]["kind"] = {"const": kind.name, "description": kind.summary}
    names = [kind.name for kind in kinds]
    chosen = [
        {"if": {"properties": {"kind": {"const": name}}, "required": ["kind"]}, "then": shape}
        for name, shape in zip(names, shapes, strict=True)
    ]
    return {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": names}}, "allOf": chosen}


def _routine() -> Schema:
    shape, phase = _object(RoutineShape), _object(PhaseShape)
    for name in ("tasks", "around", "checks", "prepared_by"):
        shape["properties"][name]["items"] = {"$ref": "#/$defs/task"}
    phase["properties"]["tasks"]["items"] = {"$ref": "#/$defs/task"}
    required = _object(RequireShape)
    for name in ("done", "checks"):
        required["properties"][name]["items"] = {"$ref": "#/$defs/task"}
    shape["properties"]["phases"]["additionalProperties"] = phase
    shape["properties"]["requires"]["additionalProperties"] = required
    return shape | {"oneOf": [{"required": ["tasks"]}, {"required": ["phases"]}]}


def _checklist() -> Schema:
    shape = _object(ChecklistShape)
    item = {"anyOf": [{"type": "string"}, _object(Item)]}
    shape["properties"]["items"] |= {"additionalProperties": {"type": "array", "items": item}}
    return shape


def _entry(kinds: Iterable[Kind]) -> Schema:
    """Return the schema of a task entry; tasks of one name, of whatever kinds, share their alternatives."""
    params: dict[str, list[Schema]] = {}
    for kind in kinds:
        for task in kind.tasks:
            params.setdefault(task.name, []).append(_object(task.params, TaskShape) | {"description": task.summary})
    patterns = {rf"^[^.]+\.{re.escape(name)}$": {"anyOf": [{"type": "null"}, *shapes]} for name, shapes in sorted(params.items())}
    names = "|".join(re.escape(name) for name in sorted(params))
    table = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "patternProperties": patterns,
    }
    return {"anyOf": [{"type": "string", "pattern": rf"^[^.]+\.({names})$"}, table]}


def _object(*shapes: type) -> Schema:
    fields = [field for shape in shapes for field in declared(shape).values()]
    required = [field.name for field in fields if field.default is REQUIRED]
    properties = {field.name: _field(field) for field in fields}
    return {"type": "object", "additionalProperties": False, "required": required, "properties": properties}


def _field(field: Declared) -> Schema:
    shape = dict(_type(field.hint, field.setting))
    if field.setting.help:
        shape["description"] = field.setting.help
    if field.default is not REQUIRED and field.default is not None:
        shape["default"] = written(field.default)
    if field.setting.example:
        shape["examples"] = [field.setting.example]
    return shape


def _type(hint: Any, setting: Setting) -> Schema:
    if hint == Node:
        return {}
    if len(options := members(hint)) > 1:
        return {"anyOf": [{"type": "null"} if option is type(None) else _type(option, setting) for option in options]}
    if hint is SecretRef:
        return {"$ref": "#/$defs/secret"}
    if is_dataclass(hint) and isinstance(hint, type):
        return _object(hint)
    inner = get_args(hint)
    if get_origin(hint) is typing.Literal:
        return {"enum": list(inner)}
    if get_origin(hint) is dict:
        return {"type": "object", "additionalProperties": _type(inner[1], setting)}
    if get_origin(hint) in (tuple, list, frozenset):
        return {"type": "array", "items": _type(inner[0], setting)}
    return _scalar(hint, setting)


def _scalar(hint: Any, setting: Setting) -> Schema:
    bounds = {"minimum": setting.ge, "maximum": setting.le}
    known: Schema = {key: value for key, value in bounds.items() if value is not None}
    if hint in _PATTERNS:
        return {"anyOf": [{"type": "number", "minimum": 0, **known}, {"type": "string", "pattern": _PATTERNS[hint]}]}
    return {**_PLAIN[hint], **(known if hint in (int, float) else {})}


def written(value: Any) -> Any:
    """Return a default as it would be written: numbers with a unit as text, the rest as JSON values."""
    if isinstance(value, Duration | Size | Share):
        return str(value).replace(" ", "")
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: written(getattr(value, field.name)) for field in fields(value)}
    return [written(item) for item in value] if isinstance(value, tuple | list) else encode(value)
