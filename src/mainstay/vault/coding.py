"""Segments as zstd frames, alone or as a delta: what `zstd` writes with --patch-from, and `zstd -d --patch-from` reads.

A frame of a delta is compressed with a window of the base as its prefix. Without long-distance matching zstd would ignore most of
that window without a word, and without a checksum a wrong window would decode to wrong bytes: both are always on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from threading import RLock

from mainstay.vault.manifest import SEGMENT, WINDOW, Segment

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TOOL = str(zstd.zstd_version)
LEVEL = 3  # 365 MB/s on one core, 6.6 times less CPU than gzip -6
CodingError = zstd.ZstdError
Raw = bytes | bytearray
Windows = Callable[[int, int], Raw]  # bytes of the base, by start and length

_BEFORE = (WINDOW - SEGMENT) // 2  # bytes of the window before the place where a segment is expected
_PROBE, _PROBES = 64, (0.99, 0.9, 0.6, 0.3, 0.05)  # bytes that are looked for, and from where in the segment
_ONE_DELTA: AbstractContextManager[object] = RLock()  # it takes 100 MB while it is coded or decoded, and a backup 256 in all
_ALONE, _PATCH = zstd.CompressionParameter, zstd.DecompressionParameter
_PLAIN: dict[int, int] = {_ALONE.compression_level: LEVEL, _ALONE.checksum_flag: 1}


@dataclass
class Track:
    """Where the next segment is expected in the base: rows that came or went before it move it by `drift` bytes."""

    at: int = 0
    drift: int = 0

    def window(self, reach: int) -> tuple[int, int]:
        """Return start and length of the window for the next segment, within the `reach` bytes of the base."""
        start = max(0, min(self.at + self.drift - _BEFORE, reach - WINDOW))
        return start, min(WINDOW, reach - start)

    def follow(self, raw: bytes, window: Raw, start: int) -> None:
        """Look where in the window bytes of this segment lie, and expect the next one accordingly."""
        for share in _PROBES:
            place = int(len(raw) * share)
            probe = raw[place : place + _PROBE]
            expected = self.at + self.drift + place - start
            if len(probe) < _PROBE or window[max(0, expected) : max(0, expected) + _PROBE] == probe:
                break
            if (found := window.find(probe)) >= 0:
                self.drift += found - expected
                break
        self.at += len(raw)


def alone(raw: bytes) -> tuple[Segment, bytes]:
    """Code a segment that needs no other."""
    frame = zstd.compress(raw, options=_PLAIN)
    return Segment(len(raw), len(frame)), frame


def changed(raw: bytes, track: Track, base: Windows, reach: int) -> tuple[Segment, bytes]:
    """Code the next segment as what changed since the base of `reach` bytes; nothing is stored of what is there as it is."""
    with _ONE_DELTA:
        start, length = track.window(reach)
        window = base(start, length)
        track.follow(raw, window, start)
        place = track.at - len(raw) + track.drift - start
        if place >= 0 and window.startswith(raw, place):
            return Segment(len(raw), 0, start + place, len(raw)), b""
        return against(raw, window, start)


def against(raw: bytes, window: Raw, start: int) -> tuple[Segment, bytes]:
    """Code a segment as what changed since the window, which starts at `start` in the base; alone where that gains nothing."""
    log = max(10, (len(raw) + len(window)).bit_length())
    options = {**_PLAIN, _ALONE.window_log: log, _ALONE.enable_long_distance_matching: 1}
    frame = zstd.compress(raw, options=options, zstd_dict=zstd.ZstdDict(window, is_raw=True).as_prefix)
    if len(frame) > len(raw) // 16:  # text compresses about so well by itself: what it shares with the base cannot be much
        other = alone(raw)
        if other[0].stored <= len(frame):
            return other
    return Segment(len(raw), len(frame), start, len(window)), frame


def decode(segment: Segment, frame: bytes, base: Windows) -> Raw:
    """Return the raw bytes of a segment, never more than it says; `CodingError` when frame or window are not the right ones."""
    with _ONE_DELTA if segment.base else nullcontext():
        window = base(segment.base_at, segment.base) if segment.base else b""
        return _decoded(segment, frame, window) if segment.stored else window


def _decoded(segment: Segment, frame: bytes, window: Raw) -> bytes:
    patch = zstd.ZstdDict(window, is_raw=True).as_prefix if window else None
    decoder = zstd.ZstdDecompressor(zstd_dict=patch, options={_PATCH.window_log_max: 27})
    raw = decoder.decompress(frame, max_length=segment.raw + 1)
    if not decoder.eof or decoder.unused_data or len(raw) != segment.raw:
        raise CodingError(f"a frame holds {len(raw)} bytes, and not {segment.raw}")
    return raw
