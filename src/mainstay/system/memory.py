"""The door to the allocator of the C library."""

from __future__ import annotations

import ctypes

_ARENA_MAX = -8  # M_ARENA_MAX of mallopt(3)


def share_one_arena() -> None:
    """Let all threads allocate from one arena: glibc gives each its own otherwise, and what one frees no other can use.

    A delta allocates 100 MB in pieces of a segment, on whatever thread. Other C libraries have no arenas, and no such call.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(_ARENA_MAX, 1)
