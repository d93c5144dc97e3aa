"""The declared fields of a settings dataclass, as binding, schema, explanation and reference read them."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any, get_args, get_origin

from mainstay.model.setting import Setting

REQUIRED: Any = MISSING
_UNDECLARED = Setting("")


@dataclass(frozen=True)
class Declared:
    """One field: its type without Annotated, what is declared of it, and its default (REQUIRED when it has none)."""

    name: str
    hint: Any
    setting: Setting
    default: Any


@cache
def declared(shape: type) -> Mapping[str, Declared]:
    """Return the fields of a dataclass by name, in order."""
    hints = typing.get_type_hints(shape, include_extras=True)
    return {field.name: _declared(field, hints[field.name]) for field in fields(shape) if field.init}


def _declared(field: Any, hint: Any) -> Declared:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    hint, setting = plain(hint)
    return Declared(field.name, hint, setting or _UNDECLARED, default)


def plain(hint: Any) -> tuple[Any, Setting | None]:
    """Split `Annotated[type, Setting(...)]`."""
    if get_origin(hint) is not typing.Annotated:
        return hint, None
    inner, *notes = get_args(hint)
    return inner, next((note for note in notes if isinstance(note, Setting)), None)


def members(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the type itself."""
    return get_args(hint) if get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
