"""Values that should not be there: placeholders that nobody replaced, and secrets that everybody knows. No value leaves here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from mainstay.kinds.files.pairs import Pair
from mainstay.kinds.files.settings import Settings

Why = Literal["placeholder", "common", "key", "short", "empty"]

_SECRET = re.compile(
    r"(pass(word|wd|phrase)?|pwd|secret([_-]?key)?|token|credentials?|(api|private|access|signing|encryption|auth|jwt)[_-]?key)$",
    re.IGNORECASE,
)
_WORDS = (
    "123 1234 12345 123456 12345678 123456789 abc123 admin admin123 changeit default demo dev development example foobared guest "
    "hunter2 letmein minio minioadmin mysecretpassword mysql neo4j none null pass pass123 passw0rd password password1 "
    "postgres postgresql qwerty rabbitmq redis root secret secretkey secret123 supersecret sysadmin test test123 testing toor "
    "password123 sa user welcome"
)
_COMMON = frozenset(_WORDS.split())
_ELSEWHERE = ("{{", "ENC[", "vault:", "file:", "/run/secrets/", "$(")  # a reference, not the secret
_DEFAULT = re.compile(r"^\$\{\w+:?-(?P<default>.*)\}$", re.DOTALL)


@dataclass(frozen=True)
class Suspect:
    """A value that should not be there: where and why, never what. `rule` is the word for a placeholder."""

    file: str
    line: int
    key: str
    why: Why
    rule: str = ""
    secret: bool = False  # its key says that it is a secret

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.key}".rstrip()


def suspects(file: str, pairs: Iterator[Pair], settings: Settings) -> Iterator[Suspect]:
    """Judge every pair of a file."""
    patterns = {word: _pattern(word) for word in settings.placeholders}
    for pair in pairs:
        secret = bool(_SECRET.search(pair.key))
        for value, is_secret in _parts(pair.value, secret):
            if why := _judge(pair.key, value, is_secret, patterns, settings.shortest_secret):
                yield Suspect(file, pair.line, pair.key, why[0], why[1], is_secret)
                break


def _pattern(word: str) -> re.Pattern[str]:
    """Match a word, but not inside another one; what begins with a sign, such as `<*>`, is the whole value."""
    inner = re.escape(word).replace("_", "[_-]?").replace(r"\*", "[^<>]*")
    return re.compile(f"(?<![a-z]){inner}(?![a-z])" if word[:1].isalnum() else f"^{inner}$", re.IGNORECASE)


def _parts(value: str, secret: bool) -> Iterator[tuple[str, bool]]:
    """Yield what is to be judged: the value, or the default of a variable in it, and a password inside a URL."""
    if default := _DEFAULT.match(value):
        value = default["default"]
    elif value.startswith("$"):
        return
    if "://" in value and "@" in value:
        password = _password(value)
        if password and not password.startswith("$"):
            yield password, True
        secret = False
    yield value, secret


def _password(url: str) -> str:
    try:
        return unquote(urlsplit(url).password or "")
    except ValueError:
        return ""


def _judge(key: str, value: str, secret: bool, patterns: dict[str, re.Pattern[str]], shortest: int) -> tuple[Why, str] | None:
    if value.startswith(_ELSEWHERE):
        return None
    if found := next((word for word, pattern in patterns.items() if pattern.search(value)), None):
        return "placeholder", found
    if not secret:
        return None
    if not value:
        return "empty", ""
    if value.lower() in _COMMON:
        return "common", ""
    if value.lower() == key.rpartition(".")[2].lower():
        return "key", ""
    return ("short", "") if len(value) < shortest else None
