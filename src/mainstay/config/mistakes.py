"""Collect every mistake, name the nearest thing that is right, and never print a password."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from mainstay.model.errors import ConfigError, Mistake
from mainstay.model.target import Origin

_IN_URL = re.compile(r"(://[^\s/:@]*):(?!\d+/)([^\s@]+)@")  # but not a port
_IN_QUERY = re.compile(r"(://\S*[?&](?:password|passwd)=)([^\s&]+)", re.IGNORECASE)
_IN_DSN = re.compile(r"((?:^|\s)(?:password|passwd)\s*=\s*)(?!\*\*\*)('[^']*'?|\S+)", re.IGNORECASE)
_DSN = re.compile(r"(?:^|\s)(?:host|hostaddr|dbname|user|port)\s*=", re.IGNORECASE)
_LONGEST = 60
_MOST_LISTED = 25
_MOST = 200


class Wrong(Exception):
    """A value that cannot be used; raised where it is read, and noted where its path is known."""

    def __init__(self, problem: str, suggestion: str = "") -> None:
        super().__init__(problem)
        self.problem, self.suggestion = problem, suggestion


class Mistakes:
    """All mistakes found so far; when there are more than anybody would read, the search ends."""

    def __init__(self, what: str) -> None:
        self.found: list[Mistake] = []
        self._what = what

    def add(self, origin: Origin, path: str, problem: str, suggestion: str = "") -> None:
        """Note a mistake; passwords are masked in whatever it quotes."""
        self.found.append(Mistake(origin, path or "file", masked(problem), masked(suggestion)))
        if len(self.found) >= _MOST:
            self.raise_any()

    def raise_any(self) -> None:
        """Raise all of them as one ConfigError, in the order of the files' lines."""
        if self.found:
            ordered = sorted(dict.fromkeys(self.found), key=lambda mistake: (mistake.origin.file, mistake.origin.line))
            count = "1 mistake" if len(ordered) == 1 else f"{len(ordered)} mistakes"
            raise ConfigError(f"{self._what}: {count}", tuple(ordered), next="correct them and run mainstay check-config")


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the name that was probably meant, else list the known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(name[:_LONGEST], names, 1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= _MOST_LISTED else ""


def holds_password(text: str) -> bool:
    """Say whether a URL or connection string has a password inside."""
    return masked(text) != text


def masked(text: str) -> str:
    """Replace the passwords of URLs and connection strings by ***."""
    text = _IN_QUERY.sub(r"\1***", _IN_URL.sub(r"\1:***@", text))
    return _IN_DSN.sub(r"\1***", text) if _DSN.search(text) else text


def shown(text: str) -> str:
    """Quote a value for a message: masked first, then cut to a readable length."""
    text = masked(text)
    return repr(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
