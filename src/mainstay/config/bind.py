"""Nodes to dataclasses: every field typed and bounded, every mistake noted with its line, every line kept."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, NoReturn, get_args, get_origin

from mainstay.config.document import Leaf, Map, Node, Seq
from mainstay.config.fields import REQUIRED, Declared, declared, members
from mainstay.config.mistakes import Mistakes, Wrong, nearest, shown
from mainstay.config.scalars import choice, guard, natural, read
from mainstay.model.setting import SecretRef, Setting
from mainstay.model.target import Origin

_SOURCES = ("file", "credential", "command", "env")
_SECRET_HINT = "write {file: PATH}, {credential: NAME}, {command: [PROGRAM, ...]} or {env: NAME}"
_CREDENTIAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


Entries = dict[str, tuple[Origin, Node]]


class _Noted(Exception):
    """A value is unusable, and the mistake is noted already."""


@dataclass(frozen=True)
class Reference:
    """A value that names a target, or a routine, to be checked once all are known; `kinds` is empty where any target will do."""

    name: str
    kinds: tuple[str, ...]
    origin: Origin
    path: str
    what: str = "target"


class Binder:
    """Binds nodes to types. `origins` holds the line of every bound value by its path, such as `targets.db.keep.daily`."""

    def __init__(self, mistakes: Mistakes, references: list[Reference] | None = None) -> None:
        self.mistakes = mistakes
        self.origins: dict[str, Origin] = {}
        self.references: list[Reference] = [] if references is None else references

    def apart(self) -> Binder:
        """Return a binder that keeps the lines of one target or task by themselves."""
        return Binder(self.mistakes, self.references)

    def entries(self, node: Node, path: str, origin: Origin | None = None) -> Entries:
        """Return a map's values by key, each with the line of its key; an empty value is an empty map."""
        if not is_map(node):
            self.mistakes.add(origin or node.origin, path, "expected keys and values", "write key: value")
        if not isinstance(node, Map):
            return {}
        found: Entries = {}
        for key, value in node.entries:
            if key.text in found:
                first, second = found[key.text][0], key.origin
                self.mistakes.add(second, _join(path, key.text), f"is there twice: {first} and {second}", "keep one of them")
            else:
                found[key.text] = (key.origin, value)
        return found

    def partial(self, node: Node, path: str, origin: Origin, shape: type) -> dict[str, Any]:
        """Bind one map to the fields of a dataclass, and return those without a mistake."""
        entries = self.entries(node, path, origin)
        self._unknown(entries, path, tuple(declared(shape)))
        return self._values(shape, entries, path, origin)

    def records(self, node: Node, path: str, origin: Origin, *shapes: type) -> list[Any]:
        """Bind one map to dataclasses that share its keys; None stands for one with a mistake."""
        entries = self.entries(node, path, origin)
        self._unknown(entries, path, tuple(name for shape in shapes for name in declared(shape)))
        return [self._record(shape, entries, path, origin) for shape in shapes]

    def field(self, values: dict[str, Any], field: Declared, path: str, found: tuple[Origin, Node]) -> None:
        """Bind one declared field into `values`; one with a mistake is left out."""
        self.origins[path] = found[0]
        try:
            values[field.name] = self._value(found[1], path, field.hint, field.setting)
        except _Noted:
            return

    def bound(self, node: Node, path: str, origin: Origin, hint: Any) -> Any:
        """Bind one value to a type; None stands for one with a mistake."""
        values: dict[str, Any] = {}
        self.field(values, Declared("", hint, Setting(""), None), path, (origin, node))
        return values.get("")

    def origins_below(self, path: str) -> dict[str, Origin]:
        """Return the lines of everything bound, by what their paths have below `path`."""
        return {key.removeprefix(f"{path}."): origin for key, origin in self.origins.items()}

    def _value(self, node: Node, path: str, hint: Any, setting: Setting) -> Any:
        if hint == Node:
            return node
        options = members(hint)
        if type(None) in options and isinstance(node, Leaf) and natural(node) is None:
            return None
        concrete = [option for option in options if option is not type(None)]
        return self._one(node, path, concrete[0], setting) if len(concrete) == 1 else self._any(node, path, concrete, setting)

    def _unknown(self, entries: Entries, path: str, known: tuple[str, ...]) -> None:
        for key, (origin, _) in entries.items():
            if key not in known:
                self.mistakes.add(origin, _join(path, key), "unknown key", nearest(key, known))

    def _values(self, shape: type, entries: Entries, path: str, origin: Origin) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for field in declared(shape).values():
            inner = _join(path, field.name)
            if field.name in entries:
                self.field(values, field, inner, entries[field.name])
            elif field.default is REQUIRED:
                example = f"write {field.name}: {field.setting.example}" if field.setting.example else field.setting.help
                self.mistakes.add(origin, inner, "is missing", example)
        return values

    def _record(self, shape: type, entries: Entries, path: str, origin: Origin) -> Any:
        before = len(self.mistakes.found)
        values = self._values(shape, entries, path, origin)
        if len(self.mistakes.found) > before:
            return None
        try:
            return shape(**values)
        except ValueError as error:
            self.mistakes.add(origin, path, str(error))
            return None

    def _any(self, node: Node, path: str, options: list[Any], setting: Setting) -> Any:
        """Bind to the first member of a union that takes the value; what YAML itself takes it for goes first."""
        if isinstance(node, Leaf):
            options = sorted(options, key=lambda option: option is not type(natural(node)))
        before = len(self.mistakes.found)
        for option in options:
            del self.mistakes.found[before:]
            try:
                return self._one(node, path, option, setting)
            except _Noted:
                continue
        raise _Noted

    def _one(self, node: Node, path: str, hint: Any, setting: Setting) -> Any:
        if hint is SecretRef:
            return self._secret(node, path)
        if is_dataclass(hint) and isinstance(hint, type):
            bound = self.records(node, path, self.origins.get(path, node.origin), hint)[0]
            return bound if bound is not None else _stop()
        origin = get_origin(hint) if hint is not Any else {Seq: list, Map: dict}.get(type(node))
        if origin in (tuple, list, frozenset):
            return origin(self._items(node, path, (get_args(hint) or (Any,))[0], setting))
        if origin is dict:
            return self._table(node, path, (get_args(hint) or (Any,))[-1], setting)
        return self._scalar(node, path, hint, setting)

    def _scalar(self, node: Node, path: str, hint: Any, setting: Setting) -> Any:
        if not isinstance(node, Leaf):
            self._wrong(node.origin, path, f"expected one value, found a {'list' if isinstance(node, Seq) else 'map'}")
        self._attempt(node.origin, path, guard, node)
        if get_origin(hint) is typing.Literal:
            return self._attempt(node.origin, path, choice, get_args(hint), node)
        value = self._attempt(node.origin, path, read, hint, node, setting)
        self._refers(value, node.origin, path, setting)
        return value

    def _items(self, node: Node, path: str, hint: Any, setting: Setting) -> list[Any]:
        if not isinstance(node, Seq):
            hint_text = f"write [{shown(node.text)[1:-1]}]" if isinstance(node, Leaf) and natural(node) is not None else ""
            self._wrong(node.origin, path, "expected a list", hint_text)
        return self._each([(f"{path}[{number}]", item.origin, item) for number, item in enumerate(node.items)], hint, setting)

    def _table(self, node: Node, path: str, hint: Any, setting: Setting) -> dict[str, Any]:
        entries = self.entries(node, path, self.origins.get(path))
        if not is_map(node):
            raise _Noted
        for key, (at, _) in entries.items():
            self._refers(key, at, _join(path, key), setting)
        values = self._each([(_join(path, key), at, value) for key, (at, value) in entries.items()], hint, setting)
        return dict(zip(entries, values, strict=True))

    def _each(self, items: list[tuple[str, Origin, Node]], hint: Any, setting: Setting) -> list[Any]:
        """Bind all items, so that every one with a mistake is told."""
        values: list[Any] = []
        for path, origin, node in items:
            self.origins[path] = origin
            try:
                values.append(self._value(node, path, hint, setting))
            except _Noted:
                continue
        return values if len(values) == len(items) else _stop()

    def _secret(self, node: Node, path: str) -> SecretRef:
        if not isinstance(node, Map) or len(node.entries) != 1 or node.entries[0][0].text not in _SOURCES:
            problem = "a secret is never written here" if isinstance(node, Leaf) else "expected where the secret is"
            self._wrong(node.origin, path, problem, _SECRET_HINT)
        key, value = node.entries[0]
        inner = _join(path, key.text)
        if key.text == "command":
            argv = tuple(self._items(value, inner, str, Setting("")))
            return SecretRef("command", argv) if argv else self._wrong(node.origin, inner, "the command is empty")
        return self._secret_at(typing.cast(typing.Literal["file", "credential", "env"], key.text), value, inner)

    def _secret_at(self, source: typing.Literal["file", "credential", "env"], node: Node, path: str) -> SecretRef:
        where = str(self._scalar(node, path, Path if source == "file" else str, Setting("")))
        if source != "file" and not _CREDENTIAL.fullmatch(where):
            self._wrong(node.origin, path, f"{shown(where)} is not a name", "a name is letters, digits, '_', '-' and '.'")
        return SecretRef(source, where)

    def _refers(self, value: Any, origin: Origin, path: str, setting: Setting) -> None:
        what, _, kinds = setting.refers_to.partition(":")
        if what and isinstance(value, str):
            self.references.append(Reference(value, tuple(kinds.split(",")) if kinds else (), origin, path, what))

    def _attempt(self, origin: Origin, path: str, reader: Callable[..., Any], *args: Any) -> Any:
        try:
            return reader(*args)
        except Wrong as wrong:
            self._wrong(origin, path, wrong.problem, wrong.suggestion)

    def _wrong(self, origin: Origin, path: str, problem: str, suggestion: str = "") -> NoReturn:
        self.mistakes.add(origin, path, problem, suggestion)
        raise _Noted


def is_map(node: Node) -> bool:
    """Say whether a node can stand for a map; an empty value is an empty map."""
    return isinstance(node, Map) or (isinstance(node, Leaf) and natural(node) is None)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _stop() -> NoReturn:
    raise _Noted
