"""Server blocks and includes of a configuration, as `nginx -T` prints it: every file after the other, includes not expanded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{};]|(?:[^\s{};"'#\\]|\\.|\$\{\w+\})(?:[^\s{};\\]|\\.|\$\{\w+\})*"""
)
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_LISTEN = re.compile(r"(?:(?P<host>\[[0-9a-f:]+\]|[^:\[\]]+):)?(?P<port>[0-9]{1,5})")
_EVERY = frozenset({"*", "0.0.0.0", "[::]"})


@dataclass(frozen=True)
class Directive:
    """One directive: its words, the blocks that it lies in, outer first, and the number of the innermost."""

    words: tuple[str, ...]
    inside: tuple[str, ...]
    block: int


def directives(text: str) -> Iterator[Directive]:
    """Yield the directives of a configuration; what is no configuration yields what there is."""
    blocks: list[tuple[str, int]] = []
    words: list[str] = []
    count = 0
    for token in _TOKEN.findall(text):
        if token == "{":
            count += 1
            blocks.append((words[0] if words else "", count))
            words = []
        elif token == "}":
            blocks, words = blocks[:-1], []
        elif token == ";":
            yield Directive(tuple(words), tuple(name for name, _ in blocks), blocks[-1][1] if blocks else 0)
            words = []
        elif not token.startswith("#"):
            words.append(token[1:-1] if token[0] in "\"'" else token)


def servers(found: list[Directive]) -> list[list[Directive]]:
    """Return the directives of each server block of HTTP."""
    numbers = dict.fromkeys(one.block for one in found if one.inside[-1:] == ("server",) and "stream" not in one.inside)
    return [[one for one in found if one.block == number] for number in numbers]


def url(server: list[Directive]) -> str | None:
    """Return how a server is asked from outside: its first name, or the address that it listens on; None for a socket."""
    listens = [one.words[1:] for one in server if one.words[:1] == ("listen",)] or [("80",)]
    names = [name for one in server if one.words[:1] == ("server_name",) for name in one.words[1:] if _HOST.fullmatch(name)]
    for place, *more in sorted(listens, key=lambda words: "ssl" not in words):
        known = _LISTEN.fullmatch(place) or _LISTEN.fullmatch(f"{place}:80")
        if known:
            scheme, usual = ("https", "443") if "ssl" in more else ("http", "80")
            host = next(iter(names), "") or (known["host"] if known["host"] not in (None, *_EVERY) else "localhost")
            return f"{scheme}://{host}{'' if known['port'] == usual else ':' + known['port']}/"
    return None
