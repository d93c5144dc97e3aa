"""What may be asked of a service: a few commands, each with the options that cannot write a file or name another configuration.

Asking never defines: a routine is one of the configuration, a run is one of the ledger, and who asks is who the kernel says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainstay.config.mistakes import nearest
from mainstay.model.errors import ConfigError
from mainstay.model.service import Right
from mainstay.model.task import Site
from mainstay.serve.rights import RIGHTS

MOST, LONGEST = 40, 500  # words, characters of a word


@dataclass(frozen=True)
class Verb:
    """A command that may be asked for.

    flags, valued  its options without and with a value
    places         how many words it takes beside those, at least and at most
    routine        the first of them is a routine
    named          the command is told by `--name` who asks
    """

    right: Right
    flags: frozenset[str] = frozenset()
    valued: frozenset[str] = frozenset()
    places: tuple[int, int] = (0, 0)
    routine: bool = False
    named: bool = False


_JSON = frozenset({"--json"})
_CHOICE = frozenset({"--only", "--skip", "--from"})
VERBS = {
    "status": Verb("look", _JSON, frozenset({"--category"})),
    "windows": Verb("look", _JSON, frozenset({"--days"})),
    "runs": Verb("look", _JSON, frozenset({"--count", "--routine"})),
    "show": Verb("look", _JSON | {"--output"}, places=(0, 1)),
    "check": Verb("run", _JSON | {"--full"}, frozenset({"--category"}), places=(0, MOST)),
    "plan": Verb("run", _JSON, _CHOICE, places=(1, 1), routine=True),
    "run": Verb("run", frozenset({"--yes"}), _CHOICE, places=(1, 1), routine=True, named=True),
    "sign": Verb("sign", frozenset({"--decline", "--begin"}), frozenset({"--remark"}), places=(2, 2), named=True),
    "cancel": Verb("cancel", frozenset(), frozenset({"--remark"}), places=(1, 1), named=True),
}
_SHORT = {"-n": "--count", "-y": "--yes"}


@dataclass(frozen=True)
class Asked:
    """A command as it will be started: options first, then `--`, so that no name is ever taken for an option."""

    name: str
    right: Right
    options: tuple[str, ...] = ()
    places: tuple[str, ...] = field(default=())

    def argv(self, by: str) -> list[str]:
        """Return the words of the call; `by` is whoever asked."""
        named = [f"--name={by}"] if VERBS[self.name].named else []
        return [self.name, *self.options, *named, "--", *self.places]


def read(words: Any, site: Site) -> Asked:
    """Understand what somebody sent, or raise ConfigError."""
    if not isinstance(words, list) or not words or len(words) > MOST or not all(map(_is_word, words)):
        raise ConfigError("what was sent is no list of words", next=_offered())
    name, *rest = words
    if name not in VERBS:
        raise ConfigError(f"{name} cannot be asked of a service", next=_offered())
    verb = VERBS[name]
    options, places = _sorted(name, verb, iter(rest))
    if not verb.places[0] <= len(places) <= verb.places[1]:
        raise ConfigError(f"{name} takes {verb.places[1]} names, not {len(places)}", next=f"mainstay {name} --help")
    if verb.routine and places[0] not in site.routines:
        raise ConfigError(f"there is no routine {places[0]!r}", next=nearest(places[0], site.routines))
    return Asked(name, verb.right, tuple(options), tuple(places))


def _sorted(name: str, verb: Verb, words: Iterator[str]) -> tuple[list[str], list[str]]:
    options: list[str] = []
    places: list[str] = []
    for word in words:
        option, equals, value = word.partition("=")
        option = _SHORT.get(option, option)
        if not word.startswith("-"):
            places.append(word)
        elif option in verb.flags and not equals:
            options.append(option)
        elif option in verb.valued:
            options.append(f"{option}={value if equals else next(words, '')}")
        else:
            raise ConfigError(f"{name} cannot be asked with {word}", next=_allowed(verb))
    return options, places


def _is_word(word: Any) -> bool:
    return isinstance(word, str) and 0 < len(word) <= LONGEST and word.isprintable()


def _allowed(verb: Verb) -> str:
    allowed: Sequence[str] = sorted(verb.flags | verb.valued)
    return f"it may be asked with {', '.join(allowed)}" if allowed else "ask without options"


def _offered() -> str:
    by_right = {right: [name for name, verb in VERBS.items() if verb.right == right] for right in RIGHTS}
    return "; ".join(f"{right}: {', '.join(names)}" for right, names in by_right.items())
