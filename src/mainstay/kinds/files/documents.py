"""The configuration files of a folder: which there are, and which cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch

from mainstay.kinds.files.pairs import form_of
from mainstay.kinds.files.settings import Settings
from mainstay.kinds.files.walk import Entry, walk
from mainstay.model.units import Size
from mainstay.system.files import read_bounded

_LARGEST = Size(500_000)
_EXAMPLE = re.compile(r"[.-](example|sample|template|dist)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Document:
    """A configuration file; `skipped` says why it was not read, and its text is only in memory."""

    file: str
    form: str
    mode: int
    skipped: str = ""
    text: str = field(default="", repr=False)


def documents(settings: Settings, problems: list[str]) -> Iterator[Document]:
    """Read the named configuration files, links excepted."""
    for entry in walk(settings.path, settings.exclude, problems):
        if entry.regular and any(fnmatch(entry.path, glob) for glob in settings.configuration):
            yield _document(settings, entry)


def _document(settings: Settings, entry: Entry) -> Document:
    name = entry.path.rpartition("/")[2]
    form, mode = form_of(name), entry.seen.st_mode & 0o7777
    if _EXAMPLE.search(name):
        return Document(entry.path, form, mode, "an example holds placeholders on purpose")
    try:
        content = read_bounded(settings.path / entry.path, _LARGEST)
    except OSError as error:
        return Document(entry.path, form, mode, f"cannot be read: {error.strerror}")
    if b"\0" in content:
        return Document(entry.path, form, mode, "is binary")
    try:
        return Document(entry.path, form, mode, text=content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Document(entry.path, form, mode, "is not UTF-8")
