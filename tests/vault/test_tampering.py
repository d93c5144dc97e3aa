"""Whatever is changed in a stored backup is found, and named."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mainstay.kinds.files.store import FilesStore
from mainstay.model.codec import canonical
from mainstay.vault import catalogue
from mainstay.vault.catalogue import Survey
from mainstay.vault.manifest import Damaged, Manifest, parse, seal, sums
from mainstay.vault.repository import Repository
from mainstay.vault.restore import Request, prove, restore
from mainstay.vault.store import unhurried
from mainstay.vault.verify import verify

Keep = Callable[..., Manifest]
Tamper = Callable[[Path], object]  # of the file that holds the stream in-2025.tar, or of the folder of the backup


def _flip(at: int) -> Tamper:
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)

    return flip


def _truncate(by: int) -> Tamper:
    return lambda path: os.truncate(path, path.stat().st_size - by)


def _link(path: Path) -> None:
    elsewhere = path.parents[2] / "elsewhere"
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)


def _exchange(path: Path) -> None:
    """Put another stored file in the place of this one."""
    other = max((one for one in path.parents[1].rglob("*.zst") if one != path), key=lambda one: one.stat().st_size)
    shutil.copy(other, path)


def stored(repository: Repository, made: Manifest, name: str = "in-2025.tar") -> Path:
    """Return the file that holds a stream."""
    return repository.root / next(one.object.sha256.path for one in made.streams if one.name == name)


TAMPERINGS: dict[str, Tamper] = {
    "a flipped bit at the start": _flip(0),
    "a flipped bit in the middle": _flip(30_000),
    "a flipped bit at the end": _flip(-1),
    "one byte less": _truncate(1),
    "no byte": lambda path: path.write_bytes(b""),
    "one byte more": _truncate(-1),
    "no file": Path.unlink,
    "another file in its place": _exchange,
    "a link in its place": _link,
}
MISLAID: dict[str, tuple[Tamper, str]] = {
    "a manifest cut short": (lambda folder: _truncate(200)(folder / "manifest.json"), "manifest.json"),
    "a missing manifest": (lambda folder: (folder / "manifest.json").unlink(), "manifest.json"),
    "missing sums": (lambda folder: (folder / "SHA256SUMS").unlink(), "SHA256SUMS"),
    "a stray file": (lambda folder: (folder / "note.txt").write_bytes(b"x"), "note.txt"),
    "missing objects": (lambda folder: shutil.rmtree(folder.parents[1] / "objects"), "in-2025.tar"),
}


@pytest.mark.covers("BKP-20")
@pytest.mark.parametrize("what", TAMPERINGS)
def test_a_change_of_a_stored_file_is_found_and_the_stream_is_named(repository: Repository, keep: Keep, what: str) -> None:
    made = keep()
    path = stored(repository, made)
    TAMPERINGS[what](path)
    (found,) = verify(repository, made.id, unhurried())
    assert found.startswith(f"in-2025.tar: {path.relative_to(repository.root)}: "), found


@pytest.mark.parametrize("what", MISLAID)
def test_what_lacks_or_strays_beside_the_manifest_is_named(repository: Repository, keep: Keep, what: str) -> None:
    made = keep()
    tamper, name = MISLAID[what]
    tamper(repository.folder(made.id))
    assert any(name in text for text in verify(repository, made.id, unhurried()))


@pytest.mark.covers("BKP-32")
def test_the_catalogue_and_the_stored_files_are_held_against_each_other(repository: Repository, keep: Keep) -> None:
    first, second = keep(), keep()
    assert [one.object.made for one in second.streams] == [first.id] * len(second.streams), "nothing is stored twice"
    missing = stored(repository, second)
    missing.unlink()
    (repository.objects / "note.txt").write_text("x")
    (repository.objects / "ab").mkdir(exist_ok=True)
    (repository.objects / "ab" / f"ab{'0' * 62}.zst").write_bytes(b"nobody's")
    seen = catalogue.read(repository)
    assert [entry.missing for entry in seen.entries] == [(str(missing.relative_to(repository.root)),)] * 2
    assert (seen.clutter, seen.unneeded, seen.unneeded_bytes) == (("objects/note.txt",), 1, 8)


def test_nothing_is_unneeded_as_long_as_a_manifest_cannot_be_read(repository: Repository, keep: Keep) -> None:
    made = keep()
    (repository.folder(made.id) / "manifest.json").write_bytes(b"{")
    assert catalogue.read(repository).unneeded == 0
    assert Survey.of(repository).unneeded == ()


def test_every_single_bit_of_manifest_and_sums_matters(repository: Repository, keep: Keep) -> None:
    made = keep()
    folder = repository.folder(made.id)
    for name in ("manifest.json", "SHA256SUMS"):
        content = (folder / name).read_bytes()
        for at in range(0, len(content), 7):
            (folder / name).write_bytes(content[:at] + bytes([content[at] ^ (1 << at % 8)]) + content[at + 1 :])
            assert verify(repository, made.id, unhurried()), (name, at)
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
    assert "belongs to another backup" in verify(repository, second.id, unhurried())[0]


def test_wrong_counts_and_digests_are_named_by_a_proof(repository: Repository, uploads: Path, keep: Keep) -> None:
    made, store = keep(), FilesStore(uploads)
    folder = repository.folder(made.id)
    wrong = json.loads((folder / "manifest.json").read_bytes())
    wrong["counts"]["at-top"] += 1
    wrong["digests"]["in-2025"] = "0" * 32
    seal(folder, parse(canonical(wrong), folder / "manifest.json"))
    proof = prove(repository, made.id, store, "run-9", unhurried())
    assert proof.differences == ("at-top: 3 in the manifest, 2 in the copy", "in-2025: the same count, but other content")
    assert catalogue.read(repository).entries[0].proven is None


def test_an_object_that_holds_something_else_than_its_manifest_says_is_named(repository: Repository, keep: Keep) -> None:
    made = keep()
    folder = repository.folder(made.id)
    lie = json.loads((folder / "manifest.json").read_bytes())
    told = lie["streams"][0]["object"]
    told["segments"][0]["raw"] += 1
    told["raw_bytes"] += 1
    seal(folder, parse(canonical(lie), folder / "manifest.json"))
    (found,) = verify(repository, made.id, unhurried())
    assert found.endswith(f"a frame holds {told['raw_bytes'] - 1} bytes, and not {told['raw_bytes']}")


def test_a_manifest_of_version_2_is_read(repository: Repository, uploads: Path, keep: Keep) -> None:
    made = keep()
    folder = repository.folder(made.id)
    old = json.loads((folder / "manifest.json").read_bytes())
    for stream in old["streams"]:
        stream["object"]["raw_sha256"] = "0" * 64
    content = canonical({**old, "version": 2})
    (folder / "manifest.json").write_bytes(content)
    (folder / "SHA256SUMS").write_bytes(sums(made, hashlib.sha256(content).hexdigest()))
    assert verify(repository, made.id, unhurried()) == ()
    assert not prove(repository, made.id, FilesStore(uploads), "run-9", unhurried()).differences


def test_a_proof_is_void_when_the_manifest_was_exchanged_after_it(repository: Repository, uploads: Path, keep: Keep) -> None:
    made = keep()
    folder = repository.folder(made.id)
    prove(repository, made.id, FilesStore(uploads), "run-9", unhurried())
    other = json.loads((folder / "manifest.json").read_bytes())
    seal(folder, parse(canonical({**other, "run": "another"}), folder / "manifest.json"))
    assert catalogue.read(repository).entries[0].proven is None


def test_a_damaged_object_takes_back_the_proof_of_before(repository: Repository, uploads: Path, keep: Keep) -> None:
    made = keep()
    prove(repository, made.id, FilesStore(uploads), "run-8", unhurried())
    _flip(30_000)(stored(repository, made))
    assert "in-2025.tar: objects/" in prove(repository, made.id, FilesStore(uploads), "run-9", unhurried()).differences[0]
    assert catalogue.read(repository).entries[0].proven is None


HOSTILE = [
    {"id": "../../etc"},
    {"id": None},
    {"target": None},
    {"version": 4},
    {"version": None},
    {"version": []},
    {"created": "2026-11-21T02:00:00"},
    {"counts": {"t": "many"}},
    {"streams": None},
    {"streams": [{"name": "../x"}]},
    {"streams": 5},
]


@pytest.mark.parametrize("change", HOSTILE, ids=str)
def test_a_hostile_manifest_is_an_error_that_names_it(repository: Repository, keep: Keep, change: dict[str, object]) -> None:
    path = repository.folder(keep().id) / "manifest.json"
    with pytest.raises(Damaged, match=r"manifest\.json"):
        parse(canonical({**json.loads(path.read_bytes()), **change}), path)


@pytest.mark.parametrize("name", ["../../x", "..", "/etc/passwd", None])
def test_a_stream_that_leads_elsewhere_is_refused(repository: Repository, keep: Keep, name: object) -> None:
    with pytest.raises(Damaged, match=r"is not|wrong type"):
        _parsed_with(repository, keep(), {"name": name})


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "../../../etc/passwd"},
        {"sha256": None},
        {"raw_bytes": None},
        {"raw_bytes": -1},
        {"stored_bytes": 5},
        {"segments": []},
        {"segments": [{"raw": 1 << 40, "stored": 1}]},
        {"segments": [{"raw": 10, "stored": 0}]},
        {"segments": [{"raw": 10, "stored": 5, "base_at": 0, "base": 10}]},
    ],
    ids=str,
)
def test_an_object_that_does_not_add_up_is_refused(repository: Repository, keep: Keep, change: dict[str, object]) -> None:
    with pytest.raises(Damaged, match=r"is not|wrong type|is none|add up|is nowhere|beyond its base|cannot be read"):
        _parsed_with(repository, keep(), {"object": change})


def _parsed_with(repository: Repository, made: Manifest, change: dict[str, object]) -> Manifest:
    """Parse a manifest whose first stream was changed."""
    path = repository.folder(made.id) / "manifest.json"
    value = json.loads(path.read_bytes())
    first = value["streams"][0]
    parts = change["object"] if isinstance(change.get("object"), dict) else None
    first.update({"object": {**first["object"], **parts}} if isinstance(parts, dict) else change)
    return parse(canonical(value), path)


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b"[" * 100_000, b"\xff\xfe", b'{"version": 1e999}'])
def test_bytes_that_are_no_manifest_are_an_error_too(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(Damaged):
        parse(content, tmp_path / "manifest.json")


def test_a_restore_of_a_damaged_backup_leaves_nothing_at_the_new_place(
    repository: Repository, uploads: Path, keep: Keep, tmp_path: Path
) -> None:
    made, place = keep(), tmp_path / "restored"
    _flip(30_000)(stored(repository, made))
    with pytest.raises(Damaged, match=r"in-2025\.tar: objects/"):
        restore(repository, FilesStore(uploads), Request(made.id, str(place)), unhurried())
    assert not [path.name for path in tmp_path.iterdir() if "restored" in path.name]
