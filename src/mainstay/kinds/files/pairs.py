"""Keys and values of configuration files, with their lines. A value is only ever in memory: no text made here repeats it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_DEEPEST = 60  # the parser's time grows with the square of the nesting
_ENV = re.compile(r"^\s*(?:export\s+)?(?P<key>[A-Za-z_][\w.-]*)\s*=\s*(?P<value>.*)$")
_LINE = re.compile(r"""^\s*["']?(?P<key>[A-Za-z_][\w.-]*)["']?(\s*[:=]\s*|\s+)(?P<value>.*?)[,;]?\s*$""")
_ASSIGNED = re.compile(r"^(?P<key>[A-Za-z_]\w*)=(?P<value>.*)$", re.DOTALL)
_JSON = re.compile(r'(?P<text>"(?:[^"\\]|\\.)*")|(?P<mark>[{}\[\],:])|(?P<bare>[^\s{}\[\],:"]+)')
_COLON = re.compile(r"\s*:")
_QUOTED = re.compile(r"""(["']).*\1""", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Pair:
    """A key, dotted where it is nested, and its value, which does not print itself."""

    line: int
    key: str
    value: str = field(repr=False)


class Unparsed(Exception):
    """A file is not what its name says: at which line, and why, without a word of its content."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line, self.problem = line, problem


def form_of(name: str) -> str:
    """Tell the form of a file by its name: yaml, json, toml, env, or lines for anything else."""
    if name == ".env" or name.startswith(".env.") or name.endswith(".env"):
        return "env"
    suffix = name.rpartition(".")[2].lower()
    return {"yml": "yaml"}.get(suffix, suffix if suffix in ("yaml", "json", "toml") else "lines")


def pairs(form: str, text: str) -> Iterator[Pair]:
    """Yield every key and value; Unparsed when YAML cannot be understood."""
    read: dict[str, Callable[[str], Iterator[Pair]]] = {"yaml": _yaml, "json": _json, "env": _env}
    return read.get(form, _lines)(text)


def masked(problem: str) -> str:
    """Blot out what a parser quotes from a file."""
    return _QUOTED.sub("***", problem)


def _env(text: str) -> Iterator[Pair]:
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _ENV.match(line):
            yield Pair(number, match["key"], _unquoted(match["value"]))


def _lines(text: str) -> Iterator[Pair]:
    """Read INI, TOML, properties, nginx and the like: a key and a value in each line, or only a value."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        match = _LINE.match(line)
        yield Pair(number, match["key"], _unquoted(match["value"])) if match else Pair(number, "", line.strip())


def _unquoted(value: str) -> str:
    value = value.strip()
    if value[:1] in ("'", '"'):
        end = value.find(value[0], 1)
        return value[1:end] if end > 0 else value[1:]
    return re.split(r"\s#", value, maxsplit=1)[0].strip()


def _json(text: str) -> Iterator[Pair]:
    """Read token by token: a text before a colon is a key, what follows the colon its value."""
    keys: list[str] = []
    pending, line, seen = "", 1, 0
    for token in _JSON.finditer(text):
        line, seen = line + text.count("\n", seen, token.start()), token.start()
        mark = token["mark"]
        if mark in ("{", "["):
            keys.append(pending)
            pending = ""
        elif mark in ("}", "]"):
            keys = keys[:-1]
        elif token["text"] and _COLON.match(text, token.end()):
            pending = token["text"][1:-1]
        elif mark is None:
            yield Pair(
                line, ".".join(key for key in (*keys, pending) if key), token["text"][1:-1] if token["text"] else token["bare"]
            )
            pending = ""


def _yaml(text: str) -> Iterator[Pair]:
    """Follow the parser's events; anchors are not expanded, so nothing can multiply."""
    stack: list[tuple[str, bool]] = []  # the key of each open collection, and whether it is a map
    key: str | None = None
    for event in yaml_events(text):
        kind = type(event).__name__
        inside_map = bool(stack) and stack[-1][1]
        if kind in ("MappingStartEvent", "SequenceStartEvent"):
            stack.append((key or "", kind[0] == "M"))
            key = None
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            stack.pop()
            key = None
        elif kind == "ScalarEvent" and inside_map and key is None:
            key = event.value
        elif kind == "ScalarEvent":
            yield _scalar(event, ".".join(part for part in (*(name for name, _ in stack), key or "") if part))
            key = None
        elif kind == "AliasEvent":
            key = None if key is not None or not inside_map else ""


def _scalar(event: Any, path: str) -> Pair:
    """Make a pair; an item `KEY=value` of a list, as Compose has it, is one of its own."""
    line, match = event.start_mark.line + 1, _ASSIGNED.match(event.value)
    if match and not event.style:
        return Pair(line, f"{path}.{match['key']}" if path else match["key"], match["value"])
    return Pair(line, path, event.value)


def yaml_events(text: str) -> Iterator[Any]:
    """Yield the parser's events; Unparsed with the line when it is not YAML or is nested too deeply."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    depth = 0
    try:
        for event in YAML(typ="safe", pure=True).parse(text):
            depth += type(event).__name__.endswith("StartEvent") - type(event).__name__.endswith("EndEvent")
            if depth > _DEEPEST:
                raise Unparsed(event.start_mark.line + 1, f"nested deeper than {_DEEPEST} levels")
            yield event
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unparsed(mark.line + 1 if mark else 1, masked(error.problem or "not YAML")) from None
    except YAMLError:
        raise Unparsed(1, "a character that YAML does not allow") from None
