"""A copy of a folder: `tree` is the copy, `content.json` what it held when it was made and what was left out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from mainstay.kinds.files.store import FilesStore
from mainstay.model.codec import canonical, encode
from mainstay.model.errors import StepFailed
from mainstay.model.units import Size
from mainstay.system.files import no_space, room, sync_folder, write_atomic
from mainstay.vault.plain import PlainFolder
from mainstay.vault.store import Dump, Work, unhurried

_CONTENT = "content.json"


def make_copy(store: FilesStore, path: Path, work: Work) -> None:
    """Copy under a hidden name, read the copy back, and only then give it its name; meanwhile it needs twice the space."""
    part = _part(path)
    _clear(part)
    if path.is_dir():
        return  # an earlier attempt came to its end
    part.mkdir(mode=0o700, parents=True)
    needed, free = Size(2 * store.estimate()), room(part).free
    if free < needed:
        raise StepFailed("no room for a snapshot", on=str(path), because=f"needs {needed}, {free} are free")
    with no_space(part, needed):
        (part / "dump").mkdir(mode=0o700)
        plain = PlainFolder(part / "dump", work)
        dump = store.dump(plain)
        store.load(plain, str(part / "tree"))
        shutil.rmtree(part / "dump")
        if _content(part / "tree", work) != _held(dump):
            raise StepFailed("the copy differs from what was read", on=str(part), next="look for errors of this disk")
        write_atomic(part / _CONTENT, canonical({"held": _held(dump), "notes": dump.notes}))
    part.rename(path)
    sync_folder(path.parent)


def read_copy(path: Path) -> tuple[bool, tuple[str, ...]]:
    """Read a copy to its end; return whether it holds what it held, and its notes."""
    if not ((path / _CONTENT).is_file() and (path / "tree").is_dir()):
        return False, ()  # a folder of that name, but none of ours
    made = json.loads((path / _CONTENT).read_bytes())
    return _content(path / "tree", unhurried()) == made["held"], tuple(made["notes"])


def remove_copy(path: Path) -> None:
    """Remove a copy and what was half made; under its hidden name first, so that half a copy is never seen."""
    _clear(_part(path))
    if path.is_dir():
        path.rename(_part(path))
        _clear(_part(path))


def _content(tree: Path, work: Work) -> object:
    return _held(FilesStore(tree).describe(str(tree), work))


def _held(dump: Dump) -> object:
    return encode([dump.counts, dump.digests])


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _clear(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)  # it is named after our run, and rmtree follows no link
