"""Whatever is changed in a stored backup is found, and named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mainstay.kinds.files.store import FilesStore
from mainstay.model.codec import canonical
from mainstay.vault import catalogue
from mainstay.vault.manifest import Damaged, Manifest, parse, seal
from mainstay.vault.repository import Repository
from mainstay.vault.restore import prove, restore
from mainstay.vault.verify import verify

Keep = Callable[..., Manifest]
Tamper = Callable[[Path], None]


def _flip(name: str, at: int) -> Tamper:
    def flip(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[at] ^= 1
        (folder / name).write_bytes(content)

    return flip


def _truncate(name: str, by: int) -> Tamper:
    return lambda folder: os.truncate(folder / name, (folder / name).stat().st_size - by)


def _write(name: str, content: bytes) -> Tamper:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return write


def _append(name: str) -> Tamper:
    return lambda folder: os.truncate(folder / name, (folder / name).stat().st_size + 1)


def _swap(folder: Path) -> None:
    one, other = folder / "objects/at-top.tar.zst", folder / "objects/in-2025.tar.zst"
    shutil.move(one, folder / "spare")
    shutil.move(other, one)
    shutil.move(folder / "spare", other)


def _link(folder: Path) -> None:
    shutil.move(folder / "objects/at-top.tar.zst", folder.parent / "elsewhere")
    (folder / "objects/at-top.tar.zst").symlink_to(folder.parent / "elsewhere")


TAMPERINGS: dict[str, tuple[Tamper, str]] = {
    "a flipped bit at the start of an object": (_flip("objects/in-2025.tar.zst", 0), "in-2025.tar.zst"),
    "a flipped bit in the middle of an object": (_flip("objects/in-2025.tar.zst", 30_000), "in-2025.tar.zst"),
    "a flipped bit at the end of an object": (_flip("objects/in-2025.tar.zst", -1), "in-2025.tar.zst"),
    "a flipped bit in the manifest": (_flip("manifest.json", 40), "manifest.json"),
    "a flipped bit in the sums": (_flip("SHA256SUMS", 3), "manifest.json"),
    "an object cut by one byte": (_truncate("objects/at-top.tar.zst", 1), "at-top.tar.zst"),
    "an empty object": (_write("objects/at-top.tar.zst", b""), "at-top.tar.zst"),
    "an object with a byte more": (_append("objects/at-top.tar.zst"), "at-top.tar.zst"),
    "a manifest cut short": (_truncate("manifest.json", 200), "manifest.json"),
    "a missing object": (lambda folder: (folder / "objects/at-top.tar.zst").unlink(), "at-top.tar.zst"),
    "missing objects": (lambda folder: shutil.rmtree(folder / "objects"), "at-top.tar.zst"),
    "a missing manifest": (lambda folder: (folder / "manifest.json").unlink(), "manifest.json"),
    "missing sums": (lambda folder: (folder / "SHA256SUMS").unlink(), "SHA256SUMS"),
    "two objects swapped": (_swap, "in-2025.tar.zst"),
    "an object that became a link": (_link, "at-top.tar.zst"),
    "a stray file": (_write("note.txt", b"x"), "note.txt"),
    "a stray object": (_write("objects/other.zst", b"x"), "objects/other.zst"),
}


@pytest.mark.covers("BKP-20")
@pytest.mark.parametrize("what", TAMPERINGS)
def test_a_change_is_found_and_the_file_is_named(repository: Repository, keep: Keep, what: str) -> None:
    made = keep()
    tamper, name = TAMPERINGS[what]
    tamper(repository.folder(made.id))
    found = verify(repository.folder(made.id), made.id, lambda _: None)
    assert found, "not found"
    assert any(name in text for text in found), found


def test_every_single_bit_of_manifest_and_sums_matters(repository: Repository, keep: Keep) -> None:
    made = keep()
    folder = repository.folder(made.id)
    for name in ("manifest.json", "SHA256SUMS"):
        content = (folder / name).read_bytes()
        for at in range(0, len(content), 7):
            (folder / name).write_bytes(content[:at] + bytes([content[at] ^ (1 << at % 8)]) + content[at + 1 :])
            assert verify(folder, made.id, lambda _: None), (name, at)
        (folder / name).write_bytes(content)


def test_a_damaged_manifest_is_listed_and_hides_no_other_backup(repository: Repository, keep: Keep) -> None:
    first, second = keep(), keep()
    (repository.folder(first.id) / "manifest.json").write_bytes(b"{")
    seen = catalogue.read(repository)
    assert [entry.id for entry in seen.entries] == [second.id]
    assert [id for id, _ in seen.damaged] == [first.id]


def test_manifests_that_changed_places_are_found(repository: Repository, keep: Keep) -> None:
    first, second = keep(), keep()
    for name in ("manifest.json", "SHA256SUMS"):
        shutil.copy(repository.folder(first.id) / name, repository.folder(second.id) / name)
    assert "belongs to another backup" in verify(repository.folder(second.id), second.id, lambda _: None)[0]


def test_wrong_counts_and_digests_are_named_by_a_proof(repository: Repository, uploads: Path, keep: Keep) -> None:
    made, store = keep(), FilesStore(uploads)
    folder = repository.folder(made.id)
    wrong = json.loads((folder / "manifest.json").read_bytes())
    wrong["counts"]["at-top"] += 1
    wrong["digests"]["in-2025"] = "0" * 32
    seal(folder, parse(canonical(wrong), folder / "manifest.json"))
    proof = prove(repository, made.id, store, "run-9", lambda _: None)
    assert proof.differences == ("at-top: 3 in the manifest, 2 in the copy", "in-2025: the same count, but other content")
    assert catalogue.read(repository).entries[0].proven is None


@pytest.mark.parametrize(
    ("field", "value", "reason"), [("raw_bytes", 10, "more than the 10"), ("raw_sha256", "0" * 64, "the SHA-256")]
)
def test_an_object_that_holds_something_else_than_its_manifest_says_is_named(
    repository: Repository, keep: Keep, field: str, value: object, reason: str
) -> None:
    made = keep()
    folder = repository.folder(made.id)
    lie = json.loads((folder / "manifest.json").read_bytes())
    lie["objects"][0][field] = value
    seal(folder, parse(canonical(lie), folder / "manifest.json"))
    (found,) = verify(folder, made.id, lambda _: None)
    assert lie["objects"][0]["path"] in found
    assert reason in found


def test_a_proof_is_void_when_the_manifest_was_exchanged_after_it(repository: Repository, uploads: Path, keep: Keep) -> None:
    made = keep()
    folder = repository.folder(made.id)
    prove(repository, made.id, FilesStore(uploads), "run-9", lambda _: None)
    other = json.loads((folder / "manifest.json").read_bytes())
    seal(folder, parse(canonical({**other, "run": "another"}), folder / "manifest.json"))
    assert catalogue.read(repository).entries[0].proven is None


def test_a_damaged_object_takes_back_the_proof_of_before(repository: Repository, uploads: Path, keep: Keep) -> None:
    made = keep()
    prove(repository, made.id, FilesStore(uploads), "run-8", lambda _: None)
    _flip("objects/in-2025.tar.zst", 30_000)(repository.folder(made.id))
    assert "in-2025.tar.zst" in prove(repository, made.id, FilesStore(uploads), "run-9", lambda _: None).differences[0]
    assert catalogue.read(repository).entries[0].proven is None


HOSTILE = [
    {"id": "../../etc"},
    {"id": None},
    {"target": None},
    {"version": 2},
    {"version": None},
    {"version": []},
    {"created": "2026-11-21T02:00:00"},
    {"counts": {"t": "many"}},
    {"objects": None},
    {"objects": [{"name": "../x"}]},
    {"objects": 5},
]


@pytest.mark.parametrize("change", HOSTILE, ids=str)
def test_a_hostile_manifest_is_an_error_that_names_it(repository: Repository, keep: Keep, change: dict[str, object]) -> None:
    path = repository.folder(keep().id) / "manifest.json"
    with pytest.raises(Damaged, match=r"manifest\.json"):
        parse(canonical({**json.loads(path.read_bytes()), **change}), path)


@pytest.mark.parametrize(
    "field",
    [
        {"name": "../../x"},
        {"path": "objects/../../../etc/passwd"},
        {"path": "/etc/passwd"},
        {"name": ".."},
        {"codec": "tar"},
        {"raw_bytes": None},
        {"sha256": None},
    ],
)
def test_an_object_that_leads_elsewhere_is_refused(repository: Repository, keep: Keep, field: dict[str, object]) -> None:
    path = repository.folder(keep().id) / "manifest.json"
    value = json.loads(path.read_bytes())
    value["objects"][0].update(field)
    with pytest.raises(Damaged, match=r"is not|cannot read|wrong type"):
        parse(canonical(value), path)


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b"[" * 100_000, b"\xff\xfe", b'{"version": 1e999}'])
def test_bytes_that_are_no_manifest_are_an_error_too(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(Damaged):
        parse(content, tmp_path / "manifest.json")


def test_a_restore_of_a_damaged_backup_leaves_nothing_at_the_new_place(
    repository: Repository, uploads: Path, keep: Keep, tmp_path: Path
) -> None:
    made, place = keep(), tmp_path / "restored"
    _flip("objects/in-2025.tar.zst", 30_000)(repository.folder(made.id))
    with pytest.raises(Damaged, match=r"in-2025\.tar\.zst"):
        restore(repository, made.id, FilesStore(uploads), place, lambda _: None)
    assert not [path.name for path in tmp_path.iterdir() if "restored" in path.name]
