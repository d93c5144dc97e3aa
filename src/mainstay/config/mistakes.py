"""Collect every mistake, name the nearest thing that is right, and never print a password."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from mainstay.model.errors import ConfigError, Mistake
from mainstay.model.target import Origin

# All of these take time in proportion to the text, also on a text made to harm.
_SPACE = re.compile(r"(\s+)")
_USER = re.compile(r"://([^@]*@(?:[^/@]*@)*)")
_PASSWORD = re.compile(r"\A([^/:]*):(?!\d{1,5}/)(.+)@")  # what looks like a port is none
_IN_QUERY = re.compile(r"([?&](?:password|passwd)=)[^\s&]+", re.IGNORECASE)
_IN_DSN = re.compile(r"((?:^|\s)(?:password|passwd)\s*=\s*)(?!\*\*\*)('[^']*'?|\S+)", re.IGNORECASE)
_DSN = re.compile(r"(?:^|\s)(?:host|hostaddr|dbname|user|port)\s*=", re.IGNORECASE)
_LONGEST = 60
_MOST_LISTED = 25
_MOST_COMPARED = 600  # the tz database has 598
_MOST = 200
_CLIPPED = 400


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
        self.found.append(Mistake(origin, path[:_CLIPPED] or "file", masked(problem)[:_CLIPPED], masked(suggestion)[:_CLIPPED]))
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
    names = sorted(known)[:_MOST_COMPARED]
    near = difflib.get_close_matches(name[:_LONGEST], names, 1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= _MOST_LISTED else ""


def holds_password(text: str) -> bool:
    """Say whether a URL or connection string has a password inside."""
    return masked(text) != text


def masked(text: str) -> str:
    """Replace the passwords of URLs and connection strings by ***."""
    if "://" in text:
        text = _IN_QUERY.sub(r"\1***", "".join(map(_masked_user, _SPACE.split(text))))
    return _IN_DSN.sub(r"\1***", text) if _DSN.search(text) else text


def _masked_user(word: str) -> str:
    last = word.rfind("@") + 1  # beyond it no search for another @ is begun
    return _USER.sub(lambda user: "://" + _PASSWORD.sub(r"\1:***@", user[1]), word[:last]) + word[last:]


def shown(text: str) -> str:
    """Quote a value for a message: masked first, then cut to a readable length."""
    text = masked(text)
    return repr(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")
