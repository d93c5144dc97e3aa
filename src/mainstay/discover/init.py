"""The first mainstay.yaml: what was found as targets and routines, the rest as comments."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mainstay import config
from mainstay.config.schema import written
from mainstay.discover.surroundings import Note
from mainstay.kinds.kind import Found, Kind
from mainstay.model.errors import ConfigError, MainstayError
from mainstay.model.plan import Impact
from mainstay.system.files import write_atomic

_UNNAMABLE = re.compile(r"[^A-Za-z0-9_-]+")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff\u2028\u2029]")
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_/.-]*|[0-9]+(ms|[smhdw]|%|[kMGT]i?B)")
_NOT_TEXT = frozenset({"true", "false", "null", "yes", "no", "on", "off"})
_ALLOWED = Impact.LOAD
_WINDOWS = {"daily": ("daily 03:00", "1h"), "weekly": ("sunday 04:30", "4h")}
_HEAD = """\
# What Mainstay looks after on this host, as `mainstay init` found it. Nothing runs because of this file alone.
# Read it, correct it, then:  mainstay check-config;  mainstay status;  mainstay plan daily
"""


@dataclass(frozen=True)
class Seen:
    """Something that one of the kinds can maintain."""

    kind: Kind
    found: Found


def discover(kinds: config.Kinds) -> tuple[list[Seen], list[Note]]:
    """Ask every kind what it finds on this host; a kind that cannot look is a note."""
    seen: list[Seen] = []
    notes: list[Note] = []
    for kind in map(kinds.load, kinds.names()):
        try:
            seen += [Seen(kind, found) for found in (kind.discover() if kind.discover else [])]
        except (OSError, MainstayError) as error:
            notes.append(Note(f"kind {kind.name} could not look around: {error}"))
    return seen, notes


def init_text(seen: Iterable[Seen], notes: Iterable[Note], site: str, timezone: str, kinds: config.Kinds) -> str:
    """Write the file: targets, a daily and a weekly routine, their windows, and what has no kind yet as comments."""
    named = dict(_named(seen))
    parts = [_HEAD, f"site: {_value(site)}\ntimezone: {_value(timezone)}\n", _targets(named)]
    routines = {"daily": _routine(named, "daily"), "weekly": _routine(named, "weekly")}
    wanted = {name: text for name, text in routines.items() if text}
    if wanted:
        windows = (f"  {name}: {{rule: {rule}, length: {length}, max_impact: load}}" for name, (rule, length) in _WINDOWS.items())
        parts += ["routines:\n" + "".join(wanted.values()), "windows:\n" + "\n".join(windows) + "\n"]
    return "\n".join([*parts, *_comments(notes, kinds)])


def write(path: Path, text: str, kinds: config.Kinds) -> None:
    """Write a configuration that is known to be good; ConfigError when it is not, or when the file is there already."""
    if path.exists() or path.is_symlink():
        raise ConfigError(f"{path} is there already", next="move it away, or give another path")
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / path.name
        trial.write_text(text, encoding="utf-8")
        config.load(trial, kinds)
    write_atomic(path, text.encode(), 0o644)


def _named(seen: Iterable[Seen]) -> Iterator[tuple[str, Seen]]:
    """Give each target a name that is one, and its own."""
    taken: set[str] = set()
    for one in seen:
        base = _UNNAMABLE.sub("-", one.found.name).strip("-")[:50] or one.kind.name
        base = base if base[0].isalpha() else f"{one.kind.name}-{base}"
        name = next(name for name in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if name not in taken)
        taken.add(name)
        yield name, one


def _targets(named: dict[str, Seen]) -> str:
    if not named:
        return "targets: {}  # nothing was found that this version can maintain\n"
    return "targets:\n" + "\n".join(_target(name, seen) for name, seen in named.items())


def _target(name: str, seen: Seen) -> str:
    settings = "".join(f"    {key}: {_value(value)}\n" for key, value in seen.found.settings.items())
    return f"{_comment(seen.found.comment, '  ')}  {name}:\n    kind: {seen.kind.name}\n{settings}"


def _routine(named: dict[str, Seen], cadence: str) -> str:
    """Return the routine; a task that could disturb users is a comment, for a person to decide."""
    tasks = [
        (f"{name}.{task}", seen.kind.task(task).impact)
        for name, seen in named.items()
        for task in (seen.found.tasks if cadence == "daily" else seen.found.weekly)
    ]
    lines = [f"      - {id}\n" for id, impact in tasks if impact <= _ALLOWED]
    asked = [
        f"      # - {id}  # may cause {impact.name.lower()}: raise max_impact below\n"
        for id, impact in tasks
        if impact > _ALLOWED
    ]
    head = f"  {cadence}:\n    cadence: {cadence}\n    tasks:\n"
    return head + "".join(lines + asked) if lines else "".join(line.replace("      #", "  #", 1) for line in asked)


def _comments(notes: Iterable[Note], kinds: config.Kinds) -> Iterator[str]:
    texts = [line for note in notes for line in _note(note, kinds)]
    if texts:
        yield "# Seen here too:\n" + "".join(_comment(text, "", "#   ") for text in texts)


def _note(note: Note, kinds: config.Kinds) -> Iterator[str]:
    known = note.kind in kinds.names()
    later = f": kind {note.kind} is not available in this version" if note.kind and not known else ""
    yield f"{note.what}{later}"
    yield from (f"    {line}" for line in note.lines)


def _comment(text: str, indent: str, mark: str = "# ") -> str:
    """Return one comment line; what could end the comment or upset a terminal is replaced."""
    return f"{indent}{mark}{_UNPRINTABLE.sub('?', text)}\n" if text else ""


def _value(value: Any) -> str:
    """Write a setting in YAML's flow style."""
    value = written(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_value(str(key))}: {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    return json.dumps(value, ensure_ascii=False)
