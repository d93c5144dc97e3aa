"""Copies at remotes: encrypted and signed here, complete or not seen, and a repository can be made anew from them alone."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mainstay.model.errors import Refused, Unreachable
from mainstay.system.process import Door
from mainstay.vault import keys as pairs
from mainstay.vault import remotes, thinning
from mainstay.vault.copies import Copies, look
from mainstay.vault.copies import verify as verify_copy
from mainstay.vault.copy import copy
from mainstay.vault.drill import drill
from mainstay.vault.fetch import fetch
from mainstay.vault.keys import Keys, read_drill
from mainstay.vault.manifest import Damaged, Manifest
from mainstay.vault.remotes import DiskSettings, RemoteSettings
from mainstay.vault.repository import Repository, create_repository
from mainstay.vault.store import unhurried
from mainstay.vault.verify import verify
from tests.live.remotes import Relay, moto, s3rver, sshd, through

Keep = Callable[..., Manifest]
Server = Callable[[Path, int], AbstractContextManager[RemoteSettings]]
PROVEN = datetime(2026, 11, 1, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Keys, Path]:
    """Make keys once, and return them with the escrow text."""
    folder = tmp_path_factory.mktemp("keys")
    pairs.generate(folder / "keys", folder / "escrow.txt", "demo", Door())
    return Keys(folder / "keys"), folder / "escrow.txt"


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """Return a folder that stands for another disk."""
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / ".mainstay-remote").touch()
    return tmp_path / "second"


@pytest.fixture
def copies(repository: Repository, pair: tuple[Keys, Path], second: Path) -> Iterator[Copies]:
    """Return the copies of the repository on another disk."""
    with remotes.opened(DiskSettings(second)) as remote:
        yield Copies(repository, "second", remote, pair[0])


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _send(copies: Copies, manifest: Manifest) -> None:
    copy(copies, manifest.id, PROVEN, unhurried())


@pytest.mark.covers("BKP-13")
@pytest.mark.parametrize("server", [sshd, moto, s3rver], ids=["sftp", "moto", "s3rver"])
def test_a_repository_is_made_anew_from_a_remote_and_the_escrow_text_alone(
    server: Server, keep: Keep, repository: Repository, pair: tuple[Keys, Path], tmp_path: Path, free_port: int
) -> None:
    made = [keep(), keep()]
    with server(tmp_path, free_port) as settings, remotes.opened(settings) as remote:
        for manifest in made:
            _send(Copies(repository, "away", remote, pair[0]), manifest)
        other = Copies(create_repository(tmp_path / "new"), "away", remote, Keys(tmp_path / "none"), escrow=pair[1])
        for manifest in made:
            fetch(other, manifest.id, pair[1], unhurried())
            assert verify(other.repository, manifest.id, unhurried()) == ()
    for manifest in made:
        assert _files(other.repository.folder(manifest.id)) == _files(repository.folder(manifest.id))


def test_what_is_at_the_remote_already_is_not_sent_again(keep: Keep, copies: Copies, uploads: Path) -> None:
    _send(copies, keep())
    before = {one.name for one in copies.remote.list("objects/")}
    (uploads / "more.txt").write_text("more")
    manifest = keep()
    _send(copies, manifest)
    after = {one.name for one in copies.remote.list("objects/")}
    assert before < after
    assert len(after) == len({*manifest.objects, *(name.split("/")[-1][:64] for name in before)})


def test_stock_tools_check_a_copy_before_anything_is_decrypted(
    keep: Keep, copies: Copies, second: Path, pair: tuple[Keys, Path], tmp_path: Path
) -> None:
    manifest = keep()
    _send(copies, manifest)
    (tmp_path / "home").mkdir(mode=0o700)
    gpg, folder = f"gpg --homedir {tmp_path / 'home'} --batch -q", second / "backups" / manifest.id
    check = f"{gpg} --import {pair[0].signing} && {gpg} --verify SHA256SUMS.asc SHA256SUMS && sha256sum --strict -c SHA256SUMS"
    assert subprocess.run(check, shell=True, cwd=folder, capture_output=True, check=False).returncode == 0
    packets = subprocess.run(
        ["gpg", "--list-packets", "--list-only", "manifest.json.gpg"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert "mdc_method: 2" in packets.stdout
    assert "aead" not in packets.stdout


def test_nothing_readable_leaves_this_side(keep: Keep, copies: Copies, second: Path) -> None:
    manifest = keep()
    _send(copies, manifest)
    for name, content in _files(second).items():
        assert not content.startswith((b"\x28\xb5\x2f\xfd", b"{")), f"{name} is not encrypted"


@pytest.mark.covers("BKP-20")
@pytest.mark.parametrize("name", ["SHA256SUMS", "SHA256SUMS.asc"])
def test_a_flipped_bit_in_list_or_signature_is_found(keep: Keep, copies: Copies, second: Path, name: str) -> None:
    manifest = keep()
    _send(copies, manifest)
    path = second / "backups" / manifest.id / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    found = verify_copy(copies, manifest.id, None, unhurried())
    assert len(found.problems) == 1
    assert f"backups/{manifest.id}/SHA256SUMS" in found.problems[0]


def test_an_altered_and_a_missing_file_are_named_and_no_further_copy_uses_them(keep: Keep, copies: Copies, second: Path) -> None:
    first = keep()
    _send(copies, first)
    names = sorted(one.name for one in copies.remote.list("objects/"))
    content = bytearray((second / names[0]).read_bytes())
    content[-1] ^= 1
    (second / names[0]).write_bytes(content)
    (second / "backups" / first.id / "manifest.json.gpg").unlink()
    found = verify_copy(copies, first.id, PROVEN, unhurried())
    assert sorted(found.problems) == [
        f"backups/{first.id}/manifest.json.gpg: it is not there",
        f"{names[0]}: its SHA-256 is not the one in the signed list",
    ]
    assert look(copies, unhurried()).entries[0].proven is None
    again = keep()
    _send(copies, again)
    assert verify_copy(copies, again.id, PROVEN, unhurried()).problems == ()


def test_an_altered_file_is_not_decrypted(keep: Keep, copies: Copies, second: Path, pair: tuple[Keys, Path]) -> None:
    manifest = keep()
    _send(copies, manifest)
    path = second / "backups" / manifest.id / "manifest.json.gpg"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    other = replace(copies, repository=create_repository(second.parent / "new"))
    with pytest.raises(Damaged, match="a file at the remote was altered"):
        fetch(other, manifest.id, pair[1], unhurried())
    assert list(other.repository.backups.iterdir()) == []


def test_a_file_that_was_altered_behind_s3_is_found_and_named(
    keep: Keep, repository: Repository, pair: tuple[Keys, Path], tmp_path: Path, free_port: int
) -> None:
    manifest = keep()
    with s3rver(tmp_path, free_port) as settings, remotes.opened(settings) as remote:
        copies = Copies(repository, "bucket", remote, pair[0])
        _send(copies, manifest)
        assert verify_copy(copies, manifest.id, None, unhurried()).problems == ()
        kept = next(path for path in (tmp_path / "s3").rglob("*zst.gpg*") if path.stat().st_size > 1000)
        content = bytearray(kept.read_bytes())
        content[500] ^= 1
        kept.write_bytes(content)
        found = verify_copy(copies, manifest.id, None, unhurried())
    assert len(found.problems) == 1
    assert kept.name.split("._S3rver")[0] in found.problems[0]


def test_a_wrong_key_opens_nothing_and_leaves_nothing(keep: Keep, copies: Copies, tmp_path: Path) -> None:
    manifest = keep()
    _send(copies, manifest)
    pairs.generate(tmp_path / "others", tmp_path / "wrong.txt", "other", Door())
    other = replace(copies, repository=create_repository(tmp_path / "new"))
    with pytest.raises(Damaged, match="cannot be decrypted"):
        fetch(other, manifest.id, tmp_path / "wrong.txt", unhurried())
    assert list(other.repository.backups.iterdir()) == []
    with pytest.raises(Refused, match="not the key that copies are encrypted for"):
        drill(copies, manifest.id, tmp_path / "wrong.txt", unhurried())
    stranger = replace(copies, repository=other.repository, keys=Keys(tmp_path / "others"))
    assert "signature is not right" in look(stranger, unhurried()).damaged[0][1]


def test_a_drill_opens_a_copy_with_the_escrow_text_and_is_written_down(
    keep: Keep, copies: Copies, pair: tuple[Keys, Path]
) -> None:
    manifest = keep()
    _send(copies, manifest)
    drill(copies, manifest.id, pair[1], unhurried())
    done = read_drill(pair[0])
    assert done is not None
    assert (done.remote, done.backup) == ("second", manifest.id)
    assert "PRIVATE KEY BLOCK" not in pair[0].encryption.read_text()
    assert not pair[0].exposed


@pytest.mark.slow
@pytest.mark.parametrize("server", [sshd, moto], ids=["sftp", "s3"])
def test_a_copy_that_is_cut_off_in_the_middle_is_not_seen_and_goes_on(
    server: Server, keep: Keep, repository: Repository, pair: tuple[Keys, Path], tmp_path: Path, free_port: int
) -> None:
    manifest, relay = keep(), Relay(free_port)
    with server(tmp_path, free_port) as settings, relay.running(), remotes.opened(through(relay, settings, tmp_path)) as remote:
        copies = Copies(repository, "away", remote, pair[0])
        relay.left = 40_000
        with pytest.raises(Unreachable):
            _send(copies, manifest)
        relay.left = None
        assert look(copies, unhurried()).entries == ()
        cut = {one.name for one in remote.list("objects/") if one.name.endswith(".gpg")}
        _send(copies, manifest)
        assert verify_copy(copies, manifest.id, None, unhurried()).problems == ()
        names = {one.name for one in remote.list("objects/")}
        assert cut <= names
        assert len(names) == len(manifest.objects)


def test_two_copies_at_once_do_not_meet(keep: Keep, copies: Copies) -> None:
    manifest = keep()
    with copies.at_work(), pytest.raises(Refused, match="somebody is at work"):
        _send(copies, manifest)
    with copies.at_work(), pytest.raises(Refused, match="somebody is at work"):
        thinning.collect(copies, unhurried())
    _send(copies, manifest)
    assert verify_copy(copies, manifest.id, None, unhurried()).problems == ()


def test_copies_are_thinned_out_and_what_no_copy_needs_goes(keep: Keep, copies: Copies, uploads: Path) -> None:
    first = keep()
    (uploads / "2025" / "a.bin").write_bytes(b"other" * 50_000)
    (uploads / "top.txt").write_text("other")
    for path in uploads.rglob("sparse"):
        path.unlink()
    second = keep()
    for manifest in (first, second):
        _send(copies, manifest)
    thinning.drop(copies, first.id, unhurried())
    left = {name.name.split("/")[-1][:64] for name in copies.remote.list("objects/")}
    assert left == set(second.objects)
    assert thinning.unneeded(copies, unhurried()) == ()
    assert verify_copy(copies, second.id, None, unhurried()).problems == ()


def test_nothing_is_collected_while_a_list_cannot_be_trusted_or_a_copy_is_gone(
    keep: Keep, copies: Copies, second: Path, tmp_path: Path
) -> None:
    made = [keep(), keep()]
    for manifest in made:
        _send(copies, manifest)
    before = _files(second / "objects")
    (second / "backups" / made[0].id / "SHA256SUMS.asc").rename(tmp_path / "kept")
    with pytest.raises(Refused, match="a copy is gone"):
        thinning.collect(copies, unhurried())
    (second / "backups" / made[0].id / "SHA256SUMS.asc").write_text("no signature")
    stranger = replace(copies, repository=create_repository(tmp_path / "new"))
    with pytest.raises(Damaged, match="signature is not right"):
        thinning.collect(stranger, unhurried())
    assert _files(second / "objects") == before
