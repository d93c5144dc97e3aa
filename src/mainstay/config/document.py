"""A YAML file as a tree of text, lists and maps that know their lines; everything a hostile file could do is bounded.

No tags, no merge keys, no types: what a text means is decided by the setting that it is for (see `scalars`).
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from mainstay.model.errors import ConfigError, Mistake
from mainstay.model.target import Origin
from mainstay.model.units import Size
from mainstay.system.files import read_bounded

LARGEST = Size(10**6)
DEEPEST = 40
MOST_VALUES = 20_000
MOST_ALIASED = 100
LONGEST = 10_000
_NO_CHARACTER = re.compile(r"\\U(?!000|0010)")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar as it is written; `plain` when it stands without quotes."""

    text: str
    plain: bool
    origin: Origin


@dataclass(frozen=True, slots=True)
class Seq:
    """A list."""

    items: tuple[Node, ...]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Map:
    """Keys and values in the order of the file; a key that is written twice is there twice."""

    entries: tuple[tuple[Leaf, Node], ...]
    origin: Origin


Node: TypeAlias = Leaf | Seq | Map


def read(path: Path, shown_as: str) -> Node:
    """Read a file; ConfigError names the line at which it cannot be understood."""
    try:
        content = read_bounded(path, LARGEST)
    except OSError as error:
        reason = "its links lead in a circle" if error.errno == errno.ELOOP else _uncapital(error.strerror or "unreadable")
        _refuse(Origin(shown_as, 1), f"cannot read {path}: {reason}")
    try:
        return compose(content.decode("utf-8-sig"), shown_as)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        _refuse(Origin(shown_as, line), "not UTF-8", "save the file as UTF-8")


def compose(text: str, shown_as: str) -> Node:
    """Build the tree of one YAML document."""
    yaml = YAML(typ="safe", pure=True)
    try:
        return _Composer(yaml.parse(text), shown_as).document()
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        hint = "indent with spaces, not tabs" if "'\\t'" in str(error.problem) else ""
        _refuse(Origin(shown_as, mark.line + 1 if mark else 1), f"not YAML: {error.problem or error.context}", hint)
    except (ValueError, OverflowError):  # the parser hands such an escape to chr()
        escape = _NO_CHARACTER.search(text)
        line = text.count("\n", 0, escape.start() if escape else 0) + 1
        _refuse(Origin(shown_as, line), "not YAML: an escape that stands for no character")
    except YAMLError as error:  # a character that YAML does not allow; it knows a position, and no line
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        _refuse(Origin(shown_as, line), f"not YAML: {getattr(error, 'reason', 'unreadable')}")


class _Composer:
    """Turns the parser's events into nodes, and stops at every bound."""

    def __init__(self, events: Iterator[Any], file: str) -> None:
        self._events, self._file = events, file
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._values = self._aliased = 0

    def document(self) -> Node:
        """Compose the only document; an empty file is an empty map."""
        event = self._content()
        if event is None:
            return Map((), Origin(self._file, 1))
        node = self._node(event, 1)
        if (more := self._content()) is not None:
            _refuse(self._origin(more), "a second document begins here", "keep one document in a file")
        return node

    def _content(self) -> Any:
        """Return the next event that is content, or None at the end."""
        kinds = ("AliasEvent", "ScalarEvent", "SequenceStartEvent", "MappingStartEvent")
        return next((event for event in self._events if type(event).__name__ in kinds), None)

    def _node(self, event: Any, depth: int) -> Node:
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self._alias(event)
        self._count(event, depth)
        before = self._values + self._aliased
        build: dict[str, Callable[[Any, int], Node]] = {
            "ScalarEvent": self._leaf,
            "SequenceStartEvent": self._seq,
            "MappingStartEvent": self._map,
        }
        node = build[kind](event, depth)
        if event.anchor:
            self._anchors[event.anchor] = (node, self._values + self._aliased - before + 1)
        return node

    def _count(self, event: Any, depth: int) -> None:
        self._values += 1
        if depth > DEEPEST:
            _refuse(self._origin(event), f"nested deeper than {DEEPEST} levels")
        if self._values > MOST_VALUES:
            _refuse(self._origin(event), f"more than {MOST_VALUES:,} values")
        if event.tag is not None:
            _refuse(self._origin(event), "tags are not supported", "write the value without its !tag")

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            _refuse(self._origin(event), f"alias *{event.anchor} stands before its anchor or inside it")
        node, size = self._anchors[event.anchor]
        self._aliased += size
        if self._aliased > MOST_ALIASED:
            _refuse(self._origin(event), f"aliases repeat more than {MOST_ALIASED} values", "write the values out")
        return node

    def _leaf(self, event: Any, depth: int) -> Leaf:
        if len(event.value) > LONGEST:
            _refuse(self._origin(event), f"a value of more than {LONGEST:,} characters")
        if _UNPRINTABLE.search(event.value):
            _refuse(self._origin(event), "a control character in a value")
        return Leaf(event.value, event.style in (None, ""), self._origin(event))

    def _seq(self, event: Any, depth: int) -> Seq:
        return Seq(tuple(self._node(item, depth + 1) for item in self._until("SequenceEndEvent")), self._origin(event))

    def _map(self, event: Any, depth: int) -> Map:
        entries = []
        for item in self._until("MappingEndEvent"):
            key, value = self._node(item, depth + 1), self._node(next(self._events), depth + 1)
            if not isinstance(key, Leaf):
                _refuse(key.origin, "a key must be plain text")
            entries.append((key, value))
        return Map(tuple(entries), self._origin(event))

    def _until(self, end: str) -> Iterator[Any]:
        for event in self._events:
            if type(event).__name__ == end:
                return
            yield event

    def _origin(self, event: Any) -> Origin:
        return Origin(self._file, event.start_mark.line + 1)


def _uncapital(text: str) -> str:
    return text[:1].lower() + text[1:]


def _refuse(origin: Origin, problem: str, suggestion: str = "") -> NoReturn:
    raise ConfigError("cannot read the configuration", (Mistake(origin, "file", problem, suggestion),))
