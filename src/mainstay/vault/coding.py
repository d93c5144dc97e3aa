"""Segments as zstd frames, alone or as a delta: what `zstd` writes with --patch-from, and `zstd -d --patch-from` reads.

A frame of a delta is compressed with a window of the base as its prefix. Without long-distance matching zstd would ignore most of
that window without a word, and without a checksum a wrong window would decode to wrong bytes: both are always on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from threading import RLock
from typing import NamedTuple

from mainstay.vault.manifest import SEGMENT, WINDOW, Segment

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TOOL = str(zstd.zstd_version)
LEVEL = 2  # 600 MB/s on one core, 15 times less CPU than gzip -6
CodingError = zstd.ZstdError
Raw = bytes | bytearray
Windows = Callable[[int, int], Raw]  # bytes of the base, by start and length
Coded = tuple[Segment, bytes]
Prefix = tuple[zstd.ZstdDict, int]

_BEFORE = (WINDOW - SEGMENT) // 2  # bytes of the window before the place where a segment is expected
_PROBE, _PROBES = 64, (0.99, 0.9, 0.6, 0.3, 0.05)  # bytes that are looked for, and from where in the segment
_AGAIN = 16  # segments after which it is asked again whether a delta is smaller than the segment alone
_PIECE = 1 << 20  # bytes that are decoded at a time
_ONE_DELTA: AbstractContextManager[object] = RLock()  # it takes 90 MB while it is coded or decoded, and a backup 256 in all
_ALONE, _PATCH = zstd.CompressionParameter, zstd.DecompressionParameter
# Level 2 that looks back over 8 MB instead of 1, for matches of seven bytes instead of five, with a table twice as large.
# It takes a fourth less time than level 3. Tables and text need as much room or up to a tenth less, programs 6 % more.
_PLAIN: dict[int, int] = {
    _ALONE.compression_level: LEVEL,
    _ALONE.window_log: 23,
    _ALONE.hash_log: 17,
    _ALONE.min_match: 7,
    _ALONE.checksum_flag: 1,
}


@dataclass
class Track:
    """Where the next segment is expected in the base: rows that came or went before it move it by `drift` bytes.

    `coded` counts the segments that were not in the base as they are; `alone` says that a delta did not help the last of them.
    """

    at: int = 0
    drift: int = 0
    coded: int = 0
    alone: bool = False

    def window(self, reach: int) -> tuple[int, int]:
        """Return start and length of the window for the next segment, within the `reach` bytes of the base."""
        start = max(0, min(self.at + self.drift - _BEFORE, reach - WINDOW))
        return start, min(WINDOW, reach - start)

    def follow(self, raw: Raw, window: Raw, start: int) -> None:
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


class Known(NamedTuple):
    """A window of the base as zstd takes it, which has copied it."""

    start: int
    length: int
    prefix: Prefix

    @classmethod
    def of(cls, window: Raw, start: int) -> Known:
        """Copy a window, which is not empty."""
        return cls(start, len(window), zstd.ZstdDict(window, is_raw=True).as_prefix)


def alone(raw: Raw) -> Coded:
    """Code a segment that needs no other."""
    frame = zstd.compress(raw, options=_PLAIN)
    return _proven(raw, Segment(len(raw), len(frame)), frame)


def changed(raw: Raw, track: Track, base: Windows, reach: int) -> Coded:
    """Code the next segment as what changed since the base of `reach` bytes; nothing is stored of what is there as it is."""
    with _ONE_DELTA:
        start, length = track.window(reach)
        window = base(start, length)
        track.follow(raw, window, start)
        place = track.at - len(raw) + track.drift - start
        if place >= 0 and window.startswith(raw, place):
            return Segment(len(raw), 0, start + place, len(raw)), b""
        known = Known.of(window, start)
        del window  # zstd has a copy
        return _smaller(raw, track, known)


def _smaller(raw: Raw, track: Track, known: Known) -> Coded:
    """Code a segment as what changed, or alone where that is smaller: rows that are much alike need no base."""
    ask, track.coded = track.coded % _AGAIN == 0, track.coded + 1
    if track.alone and not ask:
        return alone(raw)
    delta = against(raw, known)
    if not ask and delta[0].stored <= len(raw) // 16:  # text compresses about so well by itself: what it shares cannot be much
        return delta
    other = alone(raw)
    track.alone = other[0].stored <= delta[0].stored
    return other if track.alone else delta


def against(raw: Raw, known: Known) -> Coded:
    """Code a segment as what changed since a part of the base."""
    log = max(10, (len(raw) + known.length).bit_length())
    options = {**_PLAIN, _ALONE.window_log: log, _ALONE.enable_long_distance_matching: 1}
    frame = zstd.compress(raw, options=options, zstd_dict=known.prefix)
    return _proven(raw, Segment(len(raw), len(frame), known.start, known.length), frame, known.prefix)


def decode(segment: Segment, frame: Iterable[bytes], base: Windows) -> Raw:
    """Return the raw bytes of a segment, never more than it says; `CodingError` when frame or window are not the right ones."""
    with _ONE_DELTA if segment.base else nullcontext():
        window = base(segment.base_at, segment.base) if segment.base else b""
        if not segment.stored:
            return window
        prefix = Known.of(window, segment.base_at).prefix if segment.base else None
        del window
        raw, at = bytearray(segment.raw), 0
        for piece in pieces(segment, frame, prefix):
            memoryview(raw)[at : at + len(piece)] = piece
            at += len(piece)
        return raw


def pieces(segment: Segment, frame: Iterable[bytes], prefix: Prefix | None = None) -> Iterator[bytes]:
    """Decode a frame piece by piece; CodingError as soon as it holds more than its segment, and at its end when it holds less."""
    decoder, rest = zstd.ZstdDecompressor(zstd_dict=prefix, options={_PATCH.window_log_max: 27}), segment.raw
    for chunk in frame:
        piece = b"" if decoder.eof else decoder.decompress(chunk, _PIECE)
        while piece and rest >= len(piece):
            rest -= len(piece)
            yield piece
            piece = b"" if decoder.eof or decoder.needs_input else decoder.decompress(b"", _PIECE)
        if piece or decoder.unused_data:
            raise CodingError(f"a frame holds more than {segment.raw} bytes, or ends before its end")
    if rest or not decoder.eof:
        raise CodingError(f"a frame holds {segment.raw - rest} bytes, and not {segment.raw}")


def _proven(raw: Raw, segment: Segment, frame: bytes, prefix: Prefix | None = None) -> Coded:
    """Return a frame that was decoded, and is what was coded: from here on a digest of its bytes is enough."""
    at = 0
    for piece in pieces(segment, (frame,), prefix):
        if not raw.startswith(piece, at):
            raise CodingError(f"a frame does not decode to what was coded, from byte {at} on")
        at += len(piece)
    return segment, frame
