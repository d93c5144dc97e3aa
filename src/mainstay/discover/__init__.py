"""Look around on a host, and write a first configuration from what is there."""

from mainstay.discover.init import Seen, discover, init_text, write
from mainstay.discover.surroundings import Note, Roots, local_timezone, surroundings

__all__ = ["Note", "Roots", "Seen", "discover", "init_text", "local_timezone", "surroundings", "write"]
