"""How one target is dumped, loaded and compared: the seam between the vault and the kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

Pulse = Callable[[], None]  # raises when the work has to stop


@dataclass(frozen=True)
class Dump:
    """What a dump says of itself, taken in the same snapshot: what is counted, digests of content, and versions."""

    counts: dict[str, int] = field(default_factory=dict)  # rows by table, files by folder
    digests: dict[str, str] = field(default_factory=dict)  # order-free digest of content, by the same names
    versions: dict[str, str] = field(default_factory=dict)  # of the server and its tools
    notes: tuple[str, ...] = ()  # what was left out, or changed while it was read
    extra: dict[str, Any] = field(default_factory=dict)  # JSON values


class Store(Protocol):
    """How one target is dumped and loaded. No method ever writes to the live place.

    A dump is a flat folder of files. Their names are the names of the vault's objects (`vault.names.ObjectName`) and stay the
    same from one backup to the next, so that an object finds the one it changed from.
    """

    @property
    def kind(self) -> str:
        """Return the name of the kind that can load what this store dumped."""

    def estimate(self) -> int:
        """Return the bytes that a dump is expected to need."""

    def dump(self, into: Path, pulse: Pulse) -> Dump:
        """Write one consistent copy as files below the empty folder `into`."""

    def load(self, source: Path, into: Path, pulse: Pulse) -> None:
        """Rebuild from the files of a dump at a new place, which must not exist; `Damaged` when they do not fit."""

    def describe(self, at: Path, pulse: Pulse) -> Dump:
        """Count and digest what was loaded at `at`, in the same terms as `dump` did; `manifest.Damaged` when it is unsound."""
