"""Is a configuration file what its name says? Every mistake with its line, and without the content of the line."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from mainstay.kinds.files.pairs import Unparsed, masked, yaml_events

_NAME = re.compile(r"(?:export\s+)?(?P<key>[A-Za-z_][\w.-]*)(?P<blank>\s*)=(?P<value>.*)$", re.DOTALL)


def mistakes(form: str, text: str) -> list[Unparsed]:
    """Return what is wrong with a text of that form, in the order of its lines; `lines` is never wrong."""
    find = {"yaml": _yaml, "json": _json, "toml": _toml, "env": _env}.get(form)
    return sorted(find(text), key=lambda one: one.line) if find else []


def _json(text: str) -> Iterator[Unparsed]:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        yield Unparsed(error.lineno, error.msg)
    except RecursionError:
        yield Unparsed(1, "nested too deeply")


def _toml(text: str) -> Iterator[Unparsed]:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"^(?P<problem>.*) \(at line (?P<line>\d+)", str(error))
        yield (
            Unparsed(int(found["line"]), masked(found["problem"])) if found else Unparsed(text.count("\n") + 1, "ends too early")
        )
    except RecursionError:
        yield Unparsed(1, "nested too deeply")


def _yaml(text: str) -> Iterator[Unparsed]:
    """Besides what the parser refuses, a key that stands twice in one map: the second silently wins."""
    maps: list[dict[str, int] | None] = []
    at_key: list[bool] = []
    try:
        for event in yaml_events(text):
            kind = type(event).__name__
            if kind in ("MappingEndEvent", "SequenceEndEvent"):
                maps.pop()
                at_key.pop()
            elif kind in ("ScalarEvent", "AliasEvent", "MappingStartEvent", "SequenceStartEvent"):
                yield from _twice(event, maps, at_key)
                if kind in ("MappingStartEvent", "SequenceStartEvent"):
                    maps.append({} if kind[0] == "M" else None)
                    at_key.append(kind[0] == "M")
    except Unparsed as problem:
        yield problem


def _twice(event: Any, maps: list[dict[str, int] | None], at_key: list[bool]) -> Iterator[Unparsed]:
    """Note a key of the innermost map; keys and values take turns."""
    known = maps[-1] if maps else None
    if known is None:
        return
    if at_key[-1] and type(event).__name__ == "ScalarEvent":
        line = event.start_mark.line + 1
        if event.value in known and event.value != "<<":
            yield Unparsed(line, f"{event.value} is there twice, first in line {known[event.value]}")
        known.setdefault(event.value, line)
    at_key[-1] = not at_key[-1]


def _env(text: str) -> Iterator[Unparsed]:
    """Check `KEY=value` lines as Compose reads them; a quoted value may go on over several lines."""
    known: dict[str, int] = {}
    lines = enumerate(text.splitlines(), start=1)
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _NAME.match(line.strip())
        if not match:
            yield Unparsed(number, "is not KEY=value")
            continue
        if match["blank"]:
            yield Unparsed(number, f"{match['key']} is followed by a blank before its =, which a shell takes for a command")
        if match["key"] in known:
            yield Unparsed(number, f"{match['key']} is there twice, first in line {known[match['key']]}")
        known.setdefault(match["key"], number)
        quote = match["value"].strip()[:1]
        if quote in ("'", '"') and not _closed(match["value"].strip()[1:], quote, lines):
            yield Unparsed(number, f"the quote of {match['key']} is not closed")


def _closed(rest: str, quote: str, lines: Iterator[tuple[int, str]]) -> bool:
    """Read on until the quote closes; backslashes escape in double quotes only."""
    body = re.compile(r'(?:[^"\\]|\\.)*"' if quote == '"' else r"[^']*'", re.DOTALL)
    while not body.match(rest):
        line = next(lines, None)
        if line is None:
            return False
        rest += "\n" + line[1]
    return True
