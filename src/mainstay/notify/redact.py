"""Blot out secrets before a notice leaves the machine: what programs print may hold them, and a mail is kept for ever."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from mainstay.model.errors import MainstayError
from mainstay.model.setting import SecretRef
from mainstay.model.task import Site
from mainstay.system import secrets
from mainstay.system.secrets import Secret

_LEAST = 6  # characters: a shorter secret stands in too many words
_STORED = ("file", "credential", "env")  # another program is not asked for its secret only to blot it out
_NAMED = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|client[_-]?secret)"
_SHAPES: tuple[tuple[str, str], ...] = (
    (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", "***"),
    (r"(\b[a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/]+@", r"\1:***@"),
    (r"(?i)\b(bearer|basic) +[a-z0-9._~+/=-]{8,}", r"\1 ***"),
    (rf"(?i)(\b[\w-]*{_NAMED}[\"']?[ \t]*[=:][ \t]*)(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"',;&]+)", r"\1***"),
    (r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{20,}|xox[abprs]-[\w-]{10,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*)", "***"),
)
_KNOWN = tuple((re.compile(shape, re.DOTALL), instead) for shape, instead in _SHAPES)


def redacted(site: Site, text: str) -> str:
    """Return the text without the secrets of this site, and without what has the shape of one."""
    text = secrets.redact(text, sorted(_own(site), key=lambda one: -len(one.reveal())))
    for shape, instead in _KNOWN:
        text = shape.sub(instead, text)
    return text


def _own(site: Site) -> Iterator[Secret]:
    """Yield every secret that the configuration names; one that a command would have to print is left out."""
    shapes = [channel.shape for channel in site.channels.values()]
    for ref in set(_refs([*shapes, *(target.settings for target in site.targets.values())])):
        try:
            found = secrets.resolve(ref) if ref.source in _STORED else None
        except MainstayError:
            continue  # whoever needs it is told what is wrong with it
        if found and len(found.reveal()) >= _LEAST:
            yield found


def _refs(value: Any) -> Iterator[SecretRef]:
    if isinstance(value, SecretRef):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _refs(item)
    elif isinstance(value, dict):
        yield from _refs(list(value.values()))
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _refs(getattr(value, field.name))
