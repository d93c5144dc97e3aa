"""Reading logrotate's configuration, enough to see which files it names and with which policy. Source: logrotate.conf(5)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = re.compile(r"(?ms)^[ \t]*(?:postrotate|prerotate|firstaction|lastaction|preremove)\b(.*?)^[ \t]*endscript[ \t]*$")
_COMMENT = re.compile(r"(?m)^\s*#.*$")
_BLOCK = re.compile(r"([^{}]*)\{([^{}]*)\}")
_BACKUPS = (".dpkg-dist", ".dpkg-old", ".dpkg-new", ".rpmsave", ".rpmnew", "~", ".bak", ".disabled")


@dataclass(frozen=True)
class Block:
    """One `patterns { directives }`: its file, its patterns, and its directives by name ("" for those without a value)."""

    file: str
    paths: tuple[str, ...]
    directives: dict[str, str]
    scripted: bool = False


def blocks(places: Iterable[Path]) -> list[Block]:
    """Read files, and the files of folders; one that may not be read is passed over: then it is not ours to judge."""
    found = []
    for file in sorted({file for place in places for file in _files(place)}):
        try:
            found += parse(str(file), file.read_text(encoding="utf-8", errors="replace"))
        except PermissionError:
            continue
    return found


def parse(file: str, text: str) -> list[Block]:
    """Parse one file."""
    marked = _SCRIPT.sub("scripted", _COMMENT.sub("", text))
    return [_block(file, head, body) for head, body in _BLOCK.findall(marked)]


def _block(file: str, head: str, body: str) -> Block:
    lines = [line.replace("=", " ").split(None, 1) for line in body.splitlines() if line.strip()]
    directives = {line[0]: line[1].strip() if len(line) > 1 else "" for line in lines}
    return Block(file, tuple(word for word in _words(head) if word.startswith("/")), directives, "scripted" in directives)


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        return text.split()


def _files(place: Path) -> list[Path]:
    if place.is_dir():
        return [file for file in place.iterdir() if file.is_file() and not file.name.endswith(_BACKUPS)]
    return [place] if place.is_file() else []
