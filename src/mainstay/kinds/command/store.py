"""How something that no kind knows is backed up: by a pair of commands that its owner wrote.

What the commands say is believed: a proof here says that `describe` found the same in what was loaded, and no more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mainstay.kinds.command.probes import Shell
from mainstay.kinds.command.settings import Argv, Backup, Settings
from mainstay.kinds.command.streams import Call
from mainstay.model.errors import ConfigError, Refused, StepFailed
from mainstay.model.units import Duration, Size
from mainstay.system.files import read_bounded
from mainstay.system.process import Door
from mainstay.vault.manifest import Damaged
from mainstay.vault.paths import PathStore
from mainstay.vault.store import Dump, Sink, Source, Work

PLACE, DESCRIPTION = "MAINSTAY_PLACE", "MAINSTAY_DESCRIPTION"
_STREAM, _MOST = "stream", Size(16 << 20)
_UNPROVABLE = "there is no `describe`: this backup can be restored, but never proven"
_CHANGED = "what is live changed while it was dumped: this backup can be restored, but never proven (see `snapshot`)"


@dataclass(frozen=True)
class CommandStore(PathStore):
    """The store of one pair of commands."""

    path: Path
    name: str
    settings: Settings
    door: Door

    @property
    def kind(self) -> str:
        """Return the name of this kind."""
        return "command"

    def estimate(self) -> int:
        """Return what the owner says."""
        return self._backup.room

    def dump(self, sink: Sink) -> Dump:
        """Keep what `dump` prints, described by itself, or by `describe` where that says the same before and after it."""
        own = sink.folder / "description"
        before = Dump() if self._backup.snapshot else self.describe("", sink.work)
        with sink.stream(_STREAM) as out:
            for piece in self._call(self._backup.dump, sink.work, "", {DESCRIPTION: str(own)}).printed(sink.work):
                out.write(piece)
        if self._backup.snapshot:
            return _read(own, self._backup.dump[0])
        after = self.describe("", sink.work)
        return after if before == after else Dump(notes=(_CHANGED,))

    def load(self, source: Source, place: str, only: str = "") -> None:
        """Let `load` read the stream; what it makes must be at the place."""
        if only:
            raise Refused("a part of this backup cannot be restored", on=only, because="its dump is one stream")
        if source.names != (_STREAM,):
            raise Damaged(
                "the dump is not one of a command", on=place, because=f"it holds {', '.join(source.names) or 'nothing'}"
            )
        if self.door.place.container:
            next = "leave out `runs_in`, and let the commands go into the container"
            raise Refused(
                "a restored copy is a path of this host", on=place, because=f"`load` runs in {self.door.place}", next=next
            )
        path = self._at(place)
        with source.stream(_STREAM) as stream:
            self._call(self._backup.load, source.work, str(path)).read(stream, source.work)
        if not self.exists(place):
            raise StepFailed("`load` ended with 0 and made nothing", on=str(path), next=f"let it make the path {PLACE}")

    def describe(self, place: str, work: Work) -> Dump:
        """Ask `describe` about a place, "" for what is live."""
        if not self._backup.describe:
            return Dump(notes=(_UNPROVABLE,))
        path = str(self._at(place)) if place else ""
        return _parsed(self._call(self._backup.describe, work, path).answered(work), self._backup.describe[0])

    @property
    def _backup(self) -> Backup:
        if self.settings.backup is None:
            raise ConfigError(f"{self.name}: nothing says how it is backed up", next="write `backup: {dump: [...], load: [...]}`")
        return self.settings.backup

    def _call(self, argv: Argv, work: Work, place: str, more: dict[str, str] | None = None) -> Call:
        shell = Shell(self.settings)
        environment = {**shell.environment(), PLACE: place, **(more or {})}
        door = replace(self.door, cwd=self.settings.cwd)
        return Call(door, argv, environment, Duration(min(work.deadline.left, self._backup.timeout)), shell.known)


def _read(path: Path, program: str) -> Dump:
    try:
        return _parsed(read_bounded(path, _MOST).decode("utf-8", "replace"), program)
    except OSError as error:
        because, next = error.strerror or str(error), f"let it write lines NAME<TAB>COUNT<TAB>DIGEST to {DESCRIPTION}"
        raise StepFailed("`dump` did not describe its snapshot", on=program, because=because, next=next) from error


def _parsed(text: str, program: str) -> Dump:
    """Read lines of name, count and digest; the digest may be left out."""
    counts, digests = dict[str, int](), dict[str, str]()
    for line in filter(None, text.splitlines()):
        name, _, rest = line.partition("\t")
        count, _, digest = rest.partition("\t")
        if not name or not count.isdecimal() or name in counts:
            because, next = f"{line[:80]!r}", "write NAME<TAB>COUNT<TAB>DIGEST, each name once"
            raise StepFailed("a description cannot be read", on=program, because=because, next=next)
        counts[name] = int(count)
        if digest:
            digests[name] = digest
    if not counts:
        raise StepFailed("a description is empty", on=program, next="a description that names nothing proves nothing")
    return Dump(counts, digests)
