"""A copy takes the place of what is live in one act: whoever looks, whatever dies, it is the old content or the new one."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from mainstay.kinds.files.store import FilesStore
from mainstay.kinds.sqlite.store import SqliteStore
from mainstay.model.errors import Refused, StepFailed, Unknown, Unreachable
from mainstay.model.units import Duration
from mainstay.system.files import exchange
from mainstay.vault.plain import PlainFolder
from mainstay.vault.store import Swappable, unhurried

ROOT = Path(__file__).parents[2]
CALLS = ("rename", "renameat2", "unlink", "fsync", "fdatasync")
SWAP = """
import sys
from pathlib import Path
from mainstay.vault.store import unhurried
from tests.vault.test_swap import store
store(Path(sys.argv[1]), sys.argv[2]).swap("copy", "old", unhurried())
"""
root_alone = pytest.mark.skipif(bool(os.geteuid()), reason="needs root, who may ask for a lease on any file")


def store(folder: Path, kind: str) -> Swappable:
    return FilesStore(folder / "live") if kind == "files" else SqliteStore(folder / "live", Duration(5))


def make(path: Path, kind: str, text: str) -> None:
    """Make a folder or a database that says `text`."""
    if kind == "files":
        path.mkdir(parents=True)
        (path / "which").write_text(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode = {'WAL' if text == 'old' else 'DELETE'}")
        database.execute("CREATE TABLE t(text TEXT)")
        database.execute("INSERT INTO t VALUES (?)", (text,))
        database.commit()


def says(path: Path, kind: str) -> str:
    if kind == "files":
        return (path / "which").read_text()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return str(database.execute("SELECT text FROM t").fetchone()[0])


def pair(folder: Path, kind: str) -> Path:
    make(folder / "live", kind, "old")
    make(folder / "copy", kind, "new")
    return folder


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


both = pytest.mark.parametrize("kind", ["files", pytest.param("sqlite", marks=root_alone)])


@both
def test_a_swap_and_its_way_back(tmp_path: Path, kind: str) -> None:
    one = store(pair(tmp_path, kind), kind)
    one.swap("copy", "old", unhurried())
    assert (says(tmp_path / "live", kind), says(tmp_path / "old", kind), left(tmp_path)) == ("new", "old", {"live", "old"})
    one.swap("old", "copy", unhurried())
    assert (says(tmp_path / "live", kind), says(tmp_path / "copy", kind), left(tmp_path)) == ("old", "new", {"live", "copy"})


@both
@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
@pytest.mark.parametrize("call", CALLS)
def test_a_swap_that_is_killed_at_any_call_is_finished_by_the_next(tmp_path: Path, kind: str, call: str) -> None:
    fired = 0
    for count in range(1, 40):
        folder = pair(tmp_path / f"{count}", kind)
        kill = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={count}"]
        done = subprocess.run([*kill, sys.executable, "-c", SWAP, str(folder), kind], cwd=ROOT, check=False, timeout=60)
        if done.returncode == 0:
            break
        fired += 1
        assert says(folder / "live", kind) in ("old", "new")
        if (folder / "copy").exists() or (folder / ".live.swap").exists():
            store(folder, kind).swap("copy", "old", unhurried())
        assert (says(folder / "live", kind), says(folder / "old", kind), left(folder)) == ("new", "old", {"live", "old"})
    print(f"{kind}: {fired} kills at {call}")
    assert fired or (kind == "files" and call == "fdatasync")


READ = """
import sys
from pathlib import Path
path, seen = Path(sys.argv[1]), 0
while not (path.parent / "stop").exists():
    assert (path / "which").read_text() in ("old", "new")
    seen += 1
print(seen)
"""


def test_who_reads_all_the_time_always_finds_the_folder(tmp_path: Path) -> None:
    one = store(pair(tmp_path, "files"), "files")
    reader = subprocess.Popen([sys.executable, "-c", READ, str(tmp_path / "live")], stdout=subprocess.PIPE)
    for _ in range(100):
        one.swap("copy", "old", unhurried())
        one.swap("old", "copy", unhurried())
    (tmp_path / "stop").touch()
    seen, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    assert int(seen) > 100


WRITE = """
import sqlite3, sys, time
from contextlib import closing
from pathlib import Path
path, kept = Path(sys.argv[1]), 0
while not (path.parent / "stop").exists():
    try:
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("INSERT INTO t VALUES ('row')")
            kept += 1
    except sqlite3.OperationalError:
        pass
    time.sleep(0.03)
print(kept)
"""


@root_alone
def test_an_application_that_comes_and_goes_loses_no_row_to_a_swap(tmp_path: Path) -> None:
    one, swapped, refused = store(pair(tmp_path, "sqlite"), "sqlite"), 0, 0
    writer = subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path / "live")], stdout=subprocess.PIPE)
    until = time.monotonic() + 6
    names = ["copy", "old"]
    while time.monotonic() < until:
        try:
            one.swap(names[0], names[1], unhurried())
            names.reverse()
            swapped += 1
        except (Refused, Unreachable):
            refused += 1
    (tmp_path / "stop").touch()
    kept = int(writer.communicate(timeout=60)[0])
    rows = 0
    for path in (tmp_path / "live", tmp_path / names[0]):
        assert says(path, "sqlite")
        with closing(sqlite3.connect(path)) as database:
            rows += database.execute("SELECT count(*) FROM t WHERE text = 'row'").fetchone()[0]
    print(f"{swapped} swaps, {refused} refused, {kept} rows")
    assert (rows, swapped > 0) == (kept, True)


IDLE = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.execute("SELECT * FROM t").fetchall()
print("ready", flush=True)
sys.stdin.read()
"""


@root_alone
def test_a_database_that_somebody_has_open_is_not_swapped(tmp_path: Path) -> None:
    one = store(pair(tmp_path, "sqlite"), "sqlite")
    argv = [sys.executable, "-c", IDLE, str(tmp_path / "live")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"ready\n"
        with pytest.raises(Refused, match=f"in use.*pid {holder.pid}"):
            one.swap("copy", "old", unhurried())
        holder.communicate(b"\n", timeout=30)
    assert not (tmp_path / ".live.swap").exists()
    one.swap("copy", "old", unhurried())
    with closing(sqlite3.connect(tmp_path / "live")) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)  # as it was before


def test_what_cannot_be_swapped_is_refused_and_nothing_is_touched(tmp_path: Path) -> None:
    one = store(pair(tmp_path, "files"), "files")
    (tmp_path / "link").symlink_to(tmp_path / "copy")
    (tmp_path / "file").write_text("x")
    cases = [("gone", "old", Refused), ("link", "old", Refused), ("copy", "link", Refused), ("file", "old", StepFailed)]
    for copy, old, error in cases:
        with pytest.raises(error):
            one.swap(copy, old, unhurried())
    assert left(tmp_path) == {"live", "copy", "link", "file"}
    assert says(tmp_path / "live", "files") == "old"


def test_a_swap_across_file_systems_is_refused(tmp_path: Path, small_disk: Path) -> None:
    make(tmp_path / "live", "files", "old")
    make(small_disk / "copy", "files", "new")
    with pytest.raises(Refused, match="another file system"):
        FilesStore(tmp_path / "live").swap(str(small_disk / "copy"), "old", unhurried())


def test_another_swap_does_not_begin_before_an_interrupted_one_is_finished(tmp_path: Path) -> None:
    one = store(pair(tmp_path, "files"), "files")
    live, copy = ((path.stat().st_dev, path.stat().st_ino) for path in (tmp_path / "live", tmp_path / "copy"))
    names = [str(tmp_path / "copy"), str(tmp_path / "old")]
    (tmp_path / ".live.swap").write_text(f'{{"live": {list(live)}, "copy": {list(copy)}, "names": {names}}}'.replace("'", '"'))
    with pytest.raises(Refused, match="not finished"):
        one.swap("copy", "elsewhere", unhurried())
    (tmp_path / "live").rename(tmp_path / "away")
    make(tmp_path / "live", "files", "third")
    with pytest.raises(Unknown, match="neither the old nor the new"):
        one.swap("copy", "old", unhurried())


def dumped(one: FilesStore | SqliteStore, folder: Path) -> PlainFolder:
    folder.mkdir()
    plain = PlainFolder(folder, unhurried())
    plain.dump = one.dump(plain)
    return plain


def test_what_is_newer_than_a_dump_is_counted_by_folder(tmp_path: Path, uploads: Path) -> None:
    one = FilesStore(uploads)
    time.sleep(0.05)
    dump = dumped(one, tmp_path / "dump").dump
    assert one.newer(dump, unhurried()) == {}
    (uploads / "2025" / "new").touch()
    (uploads / "2025" / "script").chmod(0o700)
    assert one.newer(dump, unhurried()) == {"in-2025": 3}  # the two, and the folder


def test_what_is_newer_than_a_dump_is_counted_by_table(tmp_path: Path) -> None:
    make(tmp_path / "live", "sqlite", "old")
    one = SqliteStore(tmp_path / "live", Duration(5))
    dump = dumped(one, tmp_path / "dump").dump
    assert one.newer(dump, unhurried()) == {}
    with closing(sqlite3.connect(tmp_path / "live", isolation_level=None)) as database:
        database.execute("UPDATE t SET text = 'other'")
        assert one.newer(dump, unhurried()) == {"t": 1}
        database.executemany("INSERT INTO t VALUES (?)", [("a",), ("b",), ("c",)])
        database.execute("CREATE TABLE u(x)")
    assert one.newer(dump, unhurried()) == {"(schema)": 1, "t": 3, "u": 1}


ROW = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=30) as database:
    database.execute("INSERT INTO t VALUES ('row')")
"""


def opened_in_between(one: SqliteStore, folder: Path, writers: list[subprocess.Popen[bytes]]) -> None:
    """Exchange the names while somebody waits to be let in."""
    with one.closed(folder / "copy", unhurried()):
        writers.append(subprocess.Popen([sys.executable, "-c", ROW, str(folder / "live")]))
        while "BREAKING" not in Path("/proc/locks").read_text():
            time.sleep(0.01)
        exchange(folder / "live", folder / "copy")


@root_alone
def test_one_who_opens_the_database_while_names_are_exchanged_is_noticed_and_finds_what_was_live(tmp_path: Path) -> None:
    one, writers = SqliteStore(pair(tmp_path, "sqlite") / "live", Duration(5)), list[subprocess.Popen[bytes]]()
    with pytest.raises(Refused, match="just opened"):
        opened_in_between(one, tmp_path, writers)
    assert [writer.wait(60) for writer in writers] == [0]
    assert (says(tmp_path / "live", "sqlite"), says(tmp_path / "copy", "sqlite")) == ("old", "new")
    with closing(sqlite3.connect(tmp_path / "live")) as database:
        assert database.execute("SELECT count(*) FROM t").fetchone() == (2,)
