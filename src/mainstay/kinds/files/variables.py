"""Variables that a Compose file uses, and those that the `.env` beside it sets (Compose specification, interpolation)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mainstay.kinds.files.pairs import pairs

_USED = re.compile(r"\$(?:\$|\{(?P<braced>[A-Za-z_]\w*)(?P<sign>:?[-?+])?[^}]*\}|(?P<bare>[A-Za-z_]\w*))")
_COMPOSE = re.compile(r"^(docker-)?compose[\w.-]*\.ya?ml$")


@dataclass(frozen=True)
class Unset:
    """A variable that is used and set nowhere; `required` when Compose itself refuses to go on (`:?`)."""

    file: str
    line: int
    name: str
    required: bool = False


def is_compose(name: str) -> bool:
    """Tell a Compose file by its name."""
    return bool(_COMPOSE.match(name))


def names_set(env: str) -> frozenset[str]:
    """Return the names that a `.env` text sets."""
    return frozenset(pair.key for pair in pairs("env", env))


def unset(file: str, compose: str, known: frozenset[str]) -> Iterator[Unset]:
    """Yield each variable without a default that is not known, once, where it is used first; Unparsed as `pairs`."""
    seen: set[str] = set()
    for pair in pairs("yaml", compose):
        for match in _USED.finditer(pair.value):
            name, sign = match["braced"] or match["bare"], match["sign"] or ""
            if name and name not in known | seen and not sign.endswith(("-", "+")):
                seen.add(name)
                yield Unset(file, pair.line, name, sign.endswith("?"))
