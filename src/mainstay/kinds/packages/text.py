"""What files hold: text that may be compressed, and the time zone of a system."""

from __future__ import annotations

import gzip
import io
import zlib
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

from mainstay.model.units import Size

_GZIP = b"\x1f\x8b"
_MOST = Size(64 << 20)


def plain(content: bytes, most: Size = _MOST) -> str | None:
    """Return at most so many bytes as text, uncompressed; None when it is damaged."""
    if content.startswith(_GZIP):
        try:
            with gzip.open(io.BytesIO(content)) as file:
                content = file.read(most)
        except (OSError, EOFError, zlib.error):
            return None
    return content[:most].decode("utf-8", "replace")


def zone(content: bytes | None) -> tzinfo:
    """Read a time zone as /etc/localtime holds it (RFC 9636); UTC where there is none."""
    try:
        return ZoneInfo.from_file(io.BytesIO(content)) if content else UTC
    except ValueError:
        return UTC
