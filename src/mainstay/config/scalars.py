"""What a text means where a setting wants a number, a path, a duration ...: YAML 1.2's rules, and units.

Each reader takes a leaf and returns a value, or raises Wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mainstay.config.document import Leaf
from mainstay.config.mistakes import Wrong, holds_password, nearest, shown
from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Share, Size

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_LIKE_BOOL = {"yes": "true", "on": "true", "no": "false", "off": "false"}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,300}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,3})?")
_OWN_BOUNDS = {Share: Setting("", ge=0, le=1), Duration: Setting("", ge=0), Size: Setting("", ge=0)}


def natural(leaf: Leaf) -> str | int | float | bool | None:
    """Return what YAML takes a leaf for by itself."""
    text = leaf.text
    if not leaf.plain:
        return text
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    number = float(text) if _FLOAT.fullmatch(text) else math.inf
    return number if math.isfinite(number) else text


def guard(leaf: Leaf) -> None:
    """Refuse what no value may hold: an expression, or a password inside a URL."""
    if "${" in leaf.text:
        hint = "write a secret as {env: NAME} or {file: PATH}"
        raise Wrong(f"{shown(leaf.text)}: there is no expression language", hint)
    if holds_password(leaf.text):
        hint = "leave the password out and give it as a setting of its own, such as {file: PATH}"
        raise Wrong(f"a password stands in {shown(leaf.text)}", hint)


def read(hint: Any, leaf: Leaf, setting: Setting) -> Any:
    """Read a leaf as a scalar type, and check its bounds."""
    value = READERS[hint](leaf)
    _within(value, setting, leaf)
    _within(value, _OWN_BOUNDS.get(type(value), setting), leaf)
    return value


def choice(choices: tuple[Any, ...], leaf: Leaf) -> Any:
    """Read one of a few known values."""
    for known in choices:
        if leaf.text == str(known) or natural(leaf) == known:
            return known
    raise Wrong(f"{shown(leaf.text)} is not a known value", nearest(leaf.text, map(str, choices)))


def _text(leaf: Leaf) -> str:
    value = natural(leaf)
    if value is None:
        raise Wrong("is empty")
    if isinstance(value, bool):
        raise Wrong(f"expected text, found {leaf.text}", f'write "{leaf.text}" in quotes')
    return leaf.text


def _bool(leaf: Leaf) -> bool:
    value = natural(leaf)
    if not isinstance(value, bool):
        meant = _LIKE_BOOL.get(leaf.text.lower(), "true or false")
        raise Wrong(f"expected true or false, found {shown(leaf.text)}", f"write {meant}")
    return value


def _int(leaf: Leaf) -> int:
    value = natural(leaf)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Wrong(f"expected a whole number, found {shown(leaf.text)}", _unquoted(leaf, _INT))
    return value


def _float(leaf: Leaf) -> float:
    value = natural(leaf)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"expected a number, found {shown(leaf.text)}", _unquoted(leaf, _FLOAT))
    return float(value)


def _unquoted(leaf: Leaf, pattern: re.Pattern[str]) -> str:
    return f"write {leaf.text} without quotes" if not leaf.plain and pattern.fullmatch(leaf.text) else ""


def _path(leaf: Leaf) -> Path:
    path = Path(_text(leaf))
    if not path.is_absolute():
        raise Wrong(f"{shown(leaf.text)} is not an absolute path", "begin it with /")
    return path


def _with_unit(unit: type[Duration] | type[Size] | type[Share]) -> Callable[[Leaf], Any]:
    def parse(leaf: Leaf) -> Any:
        value = natural(leaf)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return unit(value)
        try:
            return unit.parse(leaf.text)
        except (ValueError, OverflowError) as error:
            raise Wrong(str(error)) from error

    return parse


READERS: dict[Any, Callable[[Leaf], Any]] = {
    str: _text,
    int: _int,
    float: _float,
    bool: _bool,
    Path: _path,
    Duration: _with_unit(Duration),
    Size: _with_unit(Size),
    Share: _with_unit(Share),
    Any: natural,
}


def _within(value: Any, setting: Setting, leaf: Leaf) -> None:
    """Check the bounds; they are told in the unit of the value."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    unit = type(value)
    if setting.ge is not None and value < setting.ge:
        raise Wrong(f"{leaf.text} is too small", f"the least is {unit(setting.ge)}")
    if setting.le is not None and value > setting.le:
        raise Wrong(f"{leaf.text} is too large", f"the most is {unit(setting.le)}")
