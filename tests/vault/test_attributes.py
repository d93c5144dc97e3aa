"""Extended attributes, ACLs and capabilities are part of a folder; and one file or folder of it comes back alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mainstay.kinds.files.store import FilesStore
from mainstay.model.errors import Refused
from mainstay.vault.plain import PlainFolder
from mainstay.vault.repository import Repository
from mainstay.vault.restore import Request, restore
from mainstay.vault.store import unhurried
from tests.vault.conftest import Keep

NEEDED = [name for name in ("setfattr", "getfattr", "setfacl", "getfacl", "setcap") if not shutil.which(name)]
pytestmark = [
    pytest.mark.skipif(bool(NEEDED), reason=f"needs {', '.join(NEEDED)}"),
    pytest.mark.skipif(bool(os.geteuid()), reason="needs root"),
]


def run(*argv: str | Path) -> str:
    return subprocess.run([str(word) for word in argv], check=True, capture_output=True).stdout.decode("latin-1")


@pytest.fixture
def adorned(uploads: Path) -> Path:
    """Return a folder whose entries have attributes of every class, on a file system that keeps them."""
    (uploads / "ping").write_text("#!/bin/sh\n")
    try:
        run("setfattr", "-n", "user.origin", "-v", "0x00ff0a3d20", uploads / "2025/a.bin")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"no attributes here: {error.stderr.decode().strip()}")
    run("setfattr", "-n", "user.colour", "-v", "gr\u00fcn", uploads / "2025")
    run("setfattr", "-h", "-n", "trusted.kept", "-v", "link", uploads / "2025/deep/etc")
    run("setfacl", "-m", "u:1234:rw,g:4321:r", uploads / "top.txt")
    run("setfacl", "-m", "d:u:1234:rwx", uploads / "2025/deep")
    run("setcap", "cap_net_raw+ep", uploads / "ping")
    return uploads


def adornment(folder: Path) -> str:
    """Return all attributes below a folder, links not followed."""
    return run("sh", "-c", f"cd '{folder}' && find . ! -type p -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex --")


def dumped(store: FilesStore, folder: Path) -> PlainFolder:
    folder.mkdir()
    plain = PlainFolder(folder, unhurried())
    plain.dump = store.dump(plain)
    return plain


def test_attributes_acls_and_capabilities_come_back(adorned: Path, tmp_path: Path) -> None:
    store = FilesStore(adorned)
    plain = dumped(store, tmp_path / "dump")
    store.load(plain, str(tmp_path / "copy"))
    assert adornment(tmp_path / "copy") == adornment(adorned)
    assert "system.posix_acl_default" in adornment(adorned)
    assert "security.capability" in adornment(adorned)
    assert store.describe(str(tmp_path / "copy"), unhurried()).digests == plain.dump.digests


def test_a_folder_that_lends_its_acl_does_not_change_what_is_restored_in_it(adorned: Path, tmp_path: Path) -> None:
    store = FilesStore(adorned)
    plain = dumped(store, tmp_path / "dump")
    (tmp_path / "lending").mkdir()
    run("setfacl", "-m", "d:u:4321:rwx", tmp_path / "lending")
    store.load(plain, str(tmp_path / "lending" / "copy"))
    assert adornment(tmp_path / "lending" / "copy") == adornment(adorned)


@pytest.mark.parametrize(
    "change",
    [
        ("setfattr", "-n", "user.origin", "-v", "other", "2025/a.bin"),
        ("setfattr", "-x", "user.colour", "2025"),
        ("setfacl", "-m", "u:1234:r", "2025/script"),
        ("setfattr", "-h", "-n", "trusted.kept", "-v", "other", "2025/deep/etc"),
    ],
)
def test_every_attribute_counts_in_the_digest(adorned: Path, tmp_path: Path, change: tuple[str, ...]) -> None:
    store = FilesStore(adorned)
    before = store.describe(str(adorned), unhurried()).digests
    run(*change[:-1], adorned / change[-1])
    after = store.describe(str(adorned), unhurried()).digests
    assert [part for part in before if before[part] != after[part]] == ["in-2025"]


def test_plain_tar_restores_them_too(adorned: Path, tmp_path: Path) -> None:
    plain = dumped(FilesStore(adorned), tmp_path / "dump")
    (tmp_path / "copy").mkdir()
    for name in plain.names:
        with plain.stream(name) as file:
            argv = ["tar", "--xattrs", "--xattrs-include=*", "-xpf", "-", "-C", str(tmp_path / "copy")]
            subprocess.run(argv, input=file.read(), check=True, capture_output=True)
    assert adornment(tmp_path / "copy") == adornment(adorned)


def test_one_file_comes_back_alone(adorned: Path, tmp_path: Path) -> None:
    store = FilesStore(adorned)
    plain = dumped(store, tmp_path / "dump")
    store.load(plain, str(tmp_path / "one"), "2025/a.bin")
    assert (tmp_path / "one").read_bytes() == (adorned / "2025/a.bin").read_bytes()
    assert store.describe(str(tmp_path / "one"), unhurried()).counts == {}


def test_one_folder_comes_back_alone_with_the_content_of_names_that_lie_elsewhere(uploads: Path, tmp_path: Path) -> None:
    (uploads / "2025" / "second").hardlink_to(uploads / "top.txt")
    store = FilesStore(uploads)
    plain = dumped(store, tmp_path / "dump")
    store.load(plain, str(tmp_path / "year"), "2025")
    run("diff", "-r", "--no-dereference", uploads / "2025", tmp_path / "year")
    assert (tmp_path / "year" / "first").samefile(tmp_path / "year" / "second")
    assert (tmp_path / "year").stat().st_mtime_ns == (uploads / "2025").stat().st_mtime_ns
    store.load(plain, str(tmp_path / "name"), "2025/first")
    assert (tmp_path / "name").read_text() == "top"


@pytest.mark.parametrize("name", ["2025/nothing", "202", "../uploads/top.txt", "/etc/passwd"])
def test_what_the_backup_does_not_hold_is_not_made(uploads: Path, tmp_path: Path, name: str) -> None:
    store = FilesStore(uploads)
    plain = dumped(store, tmp_path / "dump")
    with pytest.raises(Refused, match="no such file or folder"):
        store.load(plain, str(tmp_path / "one"), name)
    assert not (tmp_path / "one").exists()


@pytest.mark.parametrize("name", ["2025/a.bin", "2025/deep", "top.txt"])
def test_a_part_of_a_backup_is_restored_through_the_vault(uploads: Path, repository: Repository, keep: Keep, name: str) -> None:
    store, id = FilesStore(uploads), keep().id
    restore(repository, store, Request(id, store.beside("part"), name), unhurried())
    run("diff", "-r", "--no-dereference", uploads / name, store.beside("part"))
