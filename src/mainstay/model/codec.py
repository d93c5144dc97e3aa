"""Frozen dataclasses to JSON and back, by their type hints, and the one canonical form that is hashed."""

from __future__ import annotations

import hashlib
import json
import re
import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum, IntEnum
from functools import cache
from pathlib import PurePath
from typing import Any, TypeVar, get_args, get_origin

T = TypeVar("T")
_NO_TEXT = re.compile("[\\ud800-\\udfff]")  # how Python spells the bytes of a file name that is not UTF-8


def encode(value: Any) -> Any:
    """Turn a value of the vocabulary into JSON values; enums of numbers are written by name."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [encode(item) for item in (sorted(value) if isinstance(value, set | frozenset) else value)]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} has no JSON form")


def decode(kind: type[T], value: Any) -> T:
    """Turn JSON values back into `kind`; unknown fields are ignored, so that older code reads newer records."""
    return typing.cast(T, _decode(kind, value))


def canonical(value: Any) -> bytes:
    """Return the one byte form of a JSON value: sorted keys, no blanks, UTF-8."""
    text = json.dumps(encode(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return _NO_TEXT.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def digest(value: Any) -> str:
    """Return the SHA-256 of the canonical form."""
    return hashlib.sha256(canonical(value)).hexdigest()


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _decode(kind: Any, value: Any) -> Any:
    origin = get_origin(kind)
    if origin is typing.Annotated:
        return _decode(get_args(kind)[0], value)
    if origin in (typing.Union, types.UnionType):
        return _member(get_args(kind), value)
    if value is None or kind is Any or origin is typing.Literal:
        return value
    if origin in (tuple, list, frozenset):
        inner = get_args(kind)
        items = inner if origin is tuple and Ellipsis not in inner else [inner[0]] * len(value)
        return origin(_decode(item, part) for item, part in zip(items, value, strict=True))
    if origin is dict:
        return {key: _decode(get_args(kind)[1], item) for key, item in value.items()}
    return _plain(kind, value)


def _plain(kind: Any, value: Any) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(
            **{field.name: _decode(hints[field.name], value[field.name]) for field in fields(kind) if field.name in value}
        )
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return kind[value.upper()]
    if kind is datetime:
        return datetime.fromisoformat(value)
    return kind(value) if callable(kind) and not isinstance(value, kind) else value


def _member(members: tuple[Any, ...], value: Any) -> Any:
    """Pick the member of a union that the value has the shape of."""
    if value is None:
        return None
    for member in members:
        if isinstance(value, dict) and is_dataclass(member):
            needed = {f.name for f in fields(member) if f.default is MISSING and f.default_factory is MISSING}
            if needed <= value.keys() <= {f.name for f in fields(member)}:
                return _decode(member, value)
    plain = [member for member in members if member is not type(None) and not is_dataclass(member)]
    return _decode(plain[0], value) if len(plain) == 1 else value
