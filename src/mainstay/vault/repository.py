"""Where backups live: a folder that shows complete backups only.

mainstay-vault.json            format version and identity
backups/ID/                    one complete backup, never changed: manifest.json, SHA256SUMS
objects/AA/SHA256.zst          what backups hold, each file named by its own digest, never changed, shared by all that need it
proofs/ID/NAME.json            what was found out about a backup later
approvals/ID/NAME.json         who has approved it
holds/ID.json                  who wants it kept, and why
drills/NAME.json               how the rebuilding of everything went
rehearsals/NAME.json           how the tasks of a routine went on copies
.part-NAME/                    what somebody is making or removing; locked (flock) as long as they live
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mainstay.model.codec import canonical
from mainstay.model.errors import Refused, StepFailed, Unreachable
from mainstay.model.units import Size
from mainstay.system.files import no_space, remove, room, spool_of, sync_folder, write_atomic
from mainstay.system.memory import share_one_arena
from mainstay.vault.names import BackupId, Sha256

VERSION = 2
LABEL = "mainstay-vault.json"
PART, DROP = ".part-", "drop-"
_FOLDERS = ("backups", "objects", "proofs", "approvals", "holds", "drills")
_SPARE = Size(16 << 20)  # bytes left free for manifests, folders and whoever shares the disk


@dataclass(frozen=True)
class Repository:
    """A repository that exists; `identity` tells it from another one that was mounted in its place."""

    root: Path
    identity: str

    @property
    def backups(self) -> Path:
        """Return the folder of complete backups."""
        return self.root / "backups"

    @property
    def objects(self) -> Path:
        """Return the folder of stored files."""
        return self.root / "objects"

    @property
    def proofs(self) -> Path:
        """Return the folder of proof records."""
        return self.root / "proofs"

    @property
    def approvals(self) -> Path:
        """Return the folder of approvals."""
        return self.root / "approvals"

    @property
    def holds(self) -> Path:
        """Return the folder of holds."""
        return self.root / "holds"

    @property
    def drills(self) -> Path:
        """Return the folder of the records of drills."""
        return self.root / "drills"

    @property
    def rehearsals(self) -> Path:
        """Return the folder of the records of rehearsals."""
        return self.root / "rehearsals"

    def hold(self, id: BackupId) -> Path:
        """Return where the hold on a backup lies or would lie."""
        return self.holds / f"{id}.json"

    def folder(self, id: BackupId) -> Path:
        """Return where a backup lies or would lie."""
        return self.backups / id

    @contextmanager
    def part(self, name: str) -> Iterator[Path]:
        """Yield an empty private folder that nobody takes for a backup; whatever is left in it afterwards is removed."""
        path = self.root / (PART + name)
        share_one_arena()
        self.sweep(name)
        with self.attended():
            with no_space(path, Size(4096)):
                path.mkdir(mode=0o700)
            with _claimed(path):
                try:
                    yield path
                finally:
                    remove(path)

    @contextmanager
    def attended(self) -> Iterator[None]:
        """Say of work that fails that the repository is gone, where it is; an error of a file is told with its name."""
        try:
            yield
        except (OSError, StepFailed) as error:
            self.require_there()
            if isinstance(error, StepFailed):
                raise
            on, because = str(error.filename or self.root), error.strerror or str(error)
            raise StepFailed("a file cannot be used", on=on, because=because, next="check the disk") from error

    def require_there(self) -> None:
        """Raise Unreachable, or Refused, unless this very repository is still in its place."""
        if open_repository(self.root).identity != self.identity:
            raise Refused("this is another repository", on=str(self.root), because="it was exchanged in the middle of the work")

    def publish(self, part: Path, id: BackupId, made: Mapping[Sha256, Path]) -> None:
        """Make a finished backup visible in one durable rename, after the files that it is the first to store.

        A file of that name which is there already is replaced: it holds the same bytes, or has lost them.
        """
        if self.folder(id).exists():
            raise StepFailed("this backup exists already", on=id, because="a finished backup is never replaced")
        with no_space(self.folder(id), Size(4096)):
            self._take_in(made)
            remove(part / "objects")
            sync_folder(part)
            os.rename(part, self.folder(id))
        sync_folder(self.backups)
        sync_folder(self.root)

    def _take_in(self, made: Mapping[Sha256, Path]) -> None:
        folders = {self.root / Path(one.path).parent for one in made}
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)
        for one, path in made.items():
            os.replace(path, self.root / one.path)
        for folder in (*folders, self.objects):
            sync_folder(folder)

    def hidden(self, id: BackupId) -> Path:
        """Return where a backup lies while it is removed."""
        return self.root / f"{PART}{DROP}{id}"

    def hide(self, id: BackupId) -> Path:
        """Take a backup out of sight in one durable rename, and return where it is; its objects stay."""
        if self.folder(id).is_dir():
            os.rename(self.folder(id), self.hidden(id))
            sync_folder(self.backups)
            sync_folder(self.root)
        return self.hidden(id)

    def forget(self, id: BackupId) -> None:
        """Remove what was known about a hidden backup, and at last what hides it: as long as that is there, it is not over."""
        for path in (self.proofs / id, self.approvals / id, self.hold(id), self.hidden(id)):
            remove(path)

    def made(self, folder: Path) -> Path:
        """Return a folder for records; whoever brought the repository from elsewhere may have left the empty ones out."""
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True)
            sync_folder(folder.parent)
        return folder

    def records(self) -> tuple[str, ...]:
        """Name the backups that something is recorded about, by the paths of the records from the root."""
        folders = [folder for folder in (self.proofs, self.approvals, self.holds) if folder.is_dir()]
        found = [path for folder in folders for path in folder.iterdir() if not path.name.startswith(".")]
        return tuple(sorted(str(path.relative_to(self.root)) for path in found))

    def stored(self) -> dict[str, Size]:
        """Return the size of every file below `objects`, by its path from the root; whatever its name is."""
        found = [path for path in self.objects.rglob("*") if not path.is_dir() or path.is_symlink()]
        return {str(path.relative_to(self.root)): Size(path.lstat().st_size) for path in found}

    def discard(self, names: Iterable[str]) -> None:
        """Remove stored files by their paths from the root; the caller knows that nothing needs them."""
        for name in names:
            path = self.root / "objects" / Path(name).relative_to("objects")
            path.unlink(missing_ok=True)

    def leftovers(self) -> tuple[str, ...]:
        """Name what was begun and that nobody is at work on any more."""
        return tuple(name for name in _parts(self.root) if not _busy(self.root / (PART + name)))

    def sweep(self, name: str) -> None:
        """Remove what a killed run left under this name; Refused while somebody is at work on it."""
        path = self.root / (PART + name)
        if not os.path.lexists(path):
            return
        if _busy(path):
            raise Refused(
                "somebody is at work on this", on=str(path), because="another process holds its lock", next="wait for it"
            )
        remove(path)


def open_repository(root: Path) -> Repository:
    """Open a repository; Unreachable when there is none, Refused when its format is not ours."""
    path = root / LABEL
    try:
        label = json.loads(path.read_bytes())
        version, identity = int(label["version"]), str(label["id"])
    except OSError as error:
        next = f"mount the disk that holds {root}; a first backup makes a new repository only where there is none"
        raise Unreachable("there is no repository here", on=str(root), because=f"{LABEL}: {error.strerror}", next=next) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused("this repository cannot be read", on=str(path), because=f"its label is damaged: {error}") from error
    if version != VERSION:
        whose = "a newer Mainstay" if version > VERSION else "a Mainstay that was never released"
        raise Refused(f"this repository was made by {whose}", on=str(path), because=f"format {version}, and not {VERSION}")
    return Repository(root, identity)


def create_repository(root: Path) -> Repository:
    """Make an empty repository, or finish making one; its parent must exist. A folder with other content is refused."""
    root.mkdir(mode=0o700, exist_ok=True)
    if (root / LABEL).exists():
        return open_repository(root)
    half_made = {*_FOLDERS, spool_of(root / LABEL).name}
    if strange := sorted({entry.name for entry in root.iterdir()} - half_made - {"lost+found"}):
        raise Refused(
            "this folder is not a repository", on=str(root), because=f"it holds {strange[0]}", next="name an empty folder"
        )
    os.chmod(root, 0o700)
    for name in _FOLDERS:
        (root / name).mkdir(mode=0o700, exist_ok=True)
    write_atomic(root / LABEL, canonical({"version": VERSION, "id": secrets.token_hex(16)}))
    sync_folder(root.parent)
    return open_repository(root)


def require_room(root: Path, needed: Size, what: str) -> None:
    """Raise StepFailed, which names needed and free bytes, when `needed` and a little more do not fit."""
    have = room(root)
    if have.free < needed + _SPARE or (have.inodes and have.inodes_free < 16):
        because = f"needs {Size(needed + _SPARE)}, {have.free} and {have.inodes_free} inodes are free"
        raise StepFailed(
            f"no room for {what}", on=str(root), because=because, next=f"free space below {root}, or prune old backups"
        )


def _parts(root: Path) -> list[str]:
    return sorted(entry.name.removeprefix(PART) for entry in root.iterdir() if entry.name.startswith(PART))


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    """Hold the lock of a folder, so that others see somebody alive at work on it."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


def _busy(path: Path) -> bool:
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        return False
    try:
        with _claimed(path):
            return False
    except BlockingIOError:
        return True
