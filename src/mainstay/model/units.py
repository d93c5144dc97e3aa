"""Numbers with a unit: they parse what people write and print what people read, and are plain numbers in between."""

from __future__ import annotations

import re

_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_LONGEST = 36525 * 86400  # beyond, the calendar ends
_BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_NUMBER = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z%]*)\s*")


class Duration(float):
    """A length of time in seconds; written `100ms`, `90s`, `5m`, `1h30m`, `4h`, `7d`, `2w`."""

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read a duration; ValueError says which forms are known."""
        parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]+)", text.strip())
        if not parts or "".join(n + u for n, u in parts) != re.sub(r"\s", "", text) or any(u not in _SECONDS for _, u in parts):
            raise ValueError(f"{text!r} is not a duration: write a number with ms, s, m, h, d or w, such as 90s or 1h30m")
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
        if seconds > _LONGEST:
            raise ValueError(f"{text!r} is longer than a hundred years")
        return cls(seconds)

    def __str__(self) -> str:
        if 0 < self < 0.01:
            return f"{self * 1000:.2f}".rstrip("0").rstrip(".") + "ms"
        if self < 1:
            return f"{self * 1000:.0f}ms"
        if self < 60:
            return f"{self:.3g}s"
        minutes, seconds = divmod(round(self), 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        parts = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")][: 2 if days else 4]
        return "".join(f"{n}{unit}" for n, unit in parts if n) or "0s"


class Size(int):
    """A number of bytes; written `512`, `10MB`, `4GiB`."""

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read a size; ValueError says which forms are known."""
        match = _NUMBER.fullmatch(text)
        unit = match.group(2) if match else ""
        if match is None or (unit and unit not in _BYTES):
            raise ValueError(
                f"{text!r} is not a size: write a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as 100MB"
            )
        return cls(round(float(match.group(1)) * _BYTES[unit or "B"]))

    def __str__(self) -> str:
        value, size = float(self), int(self)
        if abs(size) < 1000:
            return f"{size} B"
        for unit in ("kB", "MB", "GB", "TB", "PB"):
            value /= 1000
            if abs(value) < 999.5 or unit == "PB":
                break
        return f"{value:.3g} {unit}"


class Share(float):
    """A part of a whole, 0 to 1; written `0.2` or `20%`."""

    @classmethod
    def parse(cls, text: str) -> Share:
        """Read a share; ValueError says which forms are known."""
        match = _NUMBER.fullmatch(text)
        if match is None or match.group(2) not in ("", "%"):
            raise ValueError(f"{text!r} is not a share: write 0.2 or 20%")
        return cls(float(match.group(1)) / (100 if match.group(2) else 1))

    def __str__(self) -> str:
        return f"{self * 100:.3g} %"
