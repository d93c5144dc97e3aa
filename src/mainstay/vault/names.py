"""The one parser of every name that becomes a path: a backup's id, a stream's name, a stored file's digest."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_ID = re.compile(r"\d{8}T\d{6}Z(\.[A-Za-z0-9_-]+)+")
_PLAIN = re.compile(r"[A-Za-z0-9_%-][A-Za-z0-9._%-]{0,199}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_STRANGE = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 200


class BackupId(str):
    """When a backup was ordered (UTC), of what, and by which run: `20261121T020000Z.db.run-7.safe.backup`; a plain name."""

    __slots__ = ()

    def __new__(cls, text: str) -> BackupId:
        """Accept an id; ValueError for everything else, so that no other text can become a path."""
        if not isinstance(text, str) or len(text) > _LONGEST or not _ID.fullmatch(text):
            raise ValueError(f"{str(text)[:80]!r} is not the id of a backup")
        return super().__new__(cls, text)

    @property
    def at(self) -> datetime:
        """Return when it was ordered, UTC."""
        return datetime.strptime(self[:16], "%Y%m%dT%H%M%S%z")

    def is_of(self, target: str) -> bool:
        """Tell whether this can be a backup of that target; targets whose names differ in strange letters alone are one to it."""
        return self.split(".")[1] == _word(target)

    @classmethod
    def of(cls, at: datetime, target: str, name: str) -> BackupId:
        """Name a backup before it exists."""
        words = [_word(part) for part in (target, *name.split("."))]
        return cls(f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}." + ".".join(words)[: _LONGEST - 20].rstrip("."))


def _word(part: str) -> str:
    return _STRANGE.sub("-", part).strip("-") or "-"


class ObjectName(str):
    """The name of one stream of a backup, stable from one backup to the next."""

    __slots__ = ()

    def __new__(cls, text: str) -> ObjectName:
        """Accept a plain file name; ValueError for everything that could lead elsewhere."""
        if not isinstance(text, str) or not _PLAIN.fullmatch(text):
            raise ValueError(f"{str(text)[:80]!r} is not the name of a stream")
        return super().__new__(cls, text)


class Sha256(str):
    """The SHA-256 of a stored file, which is its name; 64 small hexadecimal digits."""

    __slots__ = ()

    def __new__(cls, text: str) -> Sha256:
        """Accept a digest; ValueError for everything else."""
        if not isinstance(text, str) or not _DIGEST.fullmatch(text):
            raise ValueError(f"{str(text)[:80]!r} is not a SHA-256")
        return super().__new__(cls, text)

    @property
    def path(self) -> str:
        """Return where the file of that name lies in a repository."""
        return f"objects/{self[:2]}/{self}.zst"
