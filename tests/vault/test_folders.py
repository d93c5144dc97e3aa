"""A folder comes back as it was: modes, owners, times, links, holes; and no tar leads out of its place."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mainstay.kinds.files.store import FilesStore
from mainstay.model.errors import StepFailed, Unreachable
from mainstay.vault.manifest import Damaged
from mainstay.vault.plain import PlainFolder
from mainstay.vault.store import unhurried


def _plain(tmp_path: Path, pulse: Callable[[int], None] = lambda _: None) -> PlainFolder:
    (tmp_path / "dump").mkdir()
    return PlainFolder(tmp_path / "dump", unhurried(pulse))


def _listing(folder: Path) -> str:
    what = ["find", ".", "!", "-type", "p", "-printf", "%p %y %m %U %G %T@ %n %l\\n"]
    return "\n".join(
        sorted(subprocess.run(what, cwd=folder, check=True, capture_output=True).stdout.decode("latin-1").splitlines())
    )


def _round_trip(store: FilesStore, tmp_path: Path) -> Path:
    store.dump(plain := _plain(tmp_path))
    store.load(plain, str(tmp_path / "copy"))
    return tmp_path / "copy"


def test_a_folder_comes_back_with_modes_owners_times_and_links(uploads: Path, tmp_path: Path) -> None:
    copy = _round_trip(FilesStore(uploads), tmp_path)
    assert _listing(copy) == _listing(uploads)
    (uploads / "pipe").unlink()
    subprocess.run(["diff", "-r", "--no-dereference", str(uploads), str(copy)], check=True)


def test_hard_links_are_one_file_again_and_holes_are_holes(uploads: Path, tmp_path: Path) -> None:
    copy = _round_trip(FilesStore(uploads), tmp_path)
    assert (copy / "2025/a.bin").samefile(copy / "r\udce9sum\u00e9 ~" / "the same")
    assert (copy / "2025/sparse").stat().st_size == 20 << 20
    assert (copy / "2025/sparse").stat().st_blocks < 100


def test_what_is_counted_while_dumping_is_what_is_counted_in_the_copy(uploads: Path, tmp_path: Path) -> None:
    store, plain = FilesStore(uploads), _plain(tmp_path)
    said = store.dump(plain)
    store.load(plain, str(tmp_path / "copy"))
    seen = store.describe(str(tmp_path / "copy"), unhurried())
    assert (seen.counts, seen.digests) == (said.counts, said.digests)
    assert said.notes == ("'pipe': left out, neither file nor folder nor link",)


@pytest.mark.parametrize("change", ["content", "mode", "time", "link", "name", "missing"])
def test_every_change_of_a_copy_changes_its_digest(uploads: Path, tmp_path: Path, change: str) -> None:
    copy = _round_trip(FilesStore(uploads), tmp_path)
    before, file, link = FilesStore(copy).describe(str(copy), unhurried()), copy / "2025/a.bin", copy / "2025/deep/etc"
    times = (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    if change == "content":
        file.write_bytes(file.read_bytes()[:-1] + b"?")
        os.utime(file, ns=times)
    elif change == "link":
        link.unlink()
        link.symlink_to("/tmp")
    else:
        act: dict[str, Callable[[], object]] = {"mode": lambda: file.chmod(0o600), "time": lambda: os.utime(file, ns=(1, 1))}
        act |= {"name": lambda: file.rename(copy / "2025/b.bin"), "missing": file.unlink}
        act[change]()
    assert FilesStore(copy).describe(str(copy), unhurried()).digests["in-2025"] != before.digests["in-2025"]


def test_two_dumps_of_an_unchanged_folder_are_the_same_to_the_byte(uploads: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        FilesStore(uploads).dump(PlainFolder(tmp_path / name, unhurried()))
    subprocess.run(["diff", "-r", str(tmp_path / "one"), str(tmp_path / "two")], check=True)


def test_excluded_files_and_folders_stay_out(uploads: Path, tmp_path: Path) -> None:
    copy = _round_trip(FilesStore(uploads, ("2025/deep", "*.txt")), tmp_path)
    assert not (copy / "2025/deep").exists()
    assert not (copy / "top.txt").exists()
    assert (copy / "2025/a.bin").exists()


@pytest.mark.parametrize(("size", "times"), [(3, ", 3 times"), (9 << 20, "")])
def test_a_file_that_never_stands_still_is_noted(uploads: Path, tmp_path: Path, size: int, times: str) -> None:
    restless = uploads / "top.txt"
    os.truncate(restless, size)

    def write(_: int) -> None:
        with restless.open("a") as file:
            file.write("more")

    assert f"'top.txt': changed while it was read{times}" in FilesStore(uploads).dump(_plain(tmp_path, write)).notes


@pytest.mark.parametrize("trick", ["link", "pipe"])
def test_a_file_that_is_exchanged_while_the_folder_is_read_is_not_followed(uploads: Path, tmp_path: Path, trick: str) -> None:
    (tmp_path / "secret").write_text("secret")
    victim, entries = uploads / "top.txt", iter(["the folder", "top.txt"])

    def exchange(_: int) -> None:
        if next(entries, "") == "top.txt":  # it was looked at, and is opened next
            victim.unlink()
            victim.symlink_to(tmp_path / "secret") if trick == "link" else os.mkfifo(victim)

    with pytest.raises(StepFailed, match=r"cannot be read.*top\.txt"):
        FilesStore(uploads).dump(_plain(tmp_path, exchange))


def test_a_link_in_place_of_the_folder_is_not_followed(uploads: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(uploads)
    with pytest.raises(Unreachable, match="not a folder"):
        FilesStore(tmp_path / "link").estimate()


def test_a_bottomless_folder_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / "deep"
    deep.joinpath(*["d"] * 205).mkdir(parents=True)
    with pytest.raises(StepFailed, match="nested too deeply"):
        FilesStore(deep).estimate()


def _tar(path: Path, *members: tuple[str, bytes, str]) -> None:
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, 4 if kind == tarfile.REGTYPE else 0
            tar.addfile(info, io.BytesIO(b"evil"))


HOSTILE = {
    "a path upwards": [("../evil", tarfile.REGTYPE, "")],
    "an absolute path": [("/tmp/evil-absolute", tarfile.REGTYPE, "")],
    "a file through a link": [("out", tarfile.SYMTYPE, ".."), ("out/evil", tarfile.REGTYPE, "")],
    "a hard link upwards": [("evil", tarfile.LNKTYPE, "../secret")],
    "a hard link to outside": [("evil", tarfile.LNKTYPE, "/etc/passwd")],
    "a device": [("evil", tarfile.CHRTYPE, "")],
    "one name twice": [("evil", tarfile.REGTYPE, ""), ("evil", tarfile.REGTYPE, "")],
    "a link over a folder": [("d", tarfile.DIRTYPE, ""), ("d", tarfile.SYMTYPE, "/etc")],
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_tar_writes_nothing_outside(tmp_path: Path, what: str) -> None:
    plain = _plain(tmp_path)
    (tmp_path / "secret").write_text("mine")
    _tar(plain.streams / "top.tar", *HOSTILE[what])
    with pytest.raises(Damaged):
        FilesStore(tmp_path).load(plain, str(tmp_path / "copy"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy", "dump", "secret"]
    assert (tmp_path / "secret").stat().st_nlink == 1
