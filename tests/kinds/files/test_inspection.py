"""What a restored folder says beyond its digests: mistakes in Compose files, and how it differs from the live one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mainstay.kinds.files.inspection import compose_faults, differences


def _nothing() -> None:
    return None


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """Return a folder of configuration and, beside it as `copy`, the same."""
    etc = tmp_path / "etc"
    (etc / "nginx").mkdir(parents=True)
    (etc / "nginx" / "site.conf").write_text("listen 80;\nserver_name shop;\n")
    (etc / "compose.yaml").write_text("services:\n  web:\n    image: shop:1\n    environment:\n      DB_PASSWORD: oldsecret\n")
    (etc / ".env").write_text("TOKEN=oldsecret\nPORT=80\n")
    (etc / "key.bin").write_bytes(b"\0\1\2")
    shutil.copytree(etc, tmp_path / "copy")
    return etc


def test_nothing_differs_from_an_equal_copy(etc: Path, tmp_path: Path) -> None:
    assert differences(etc, tmp_path / "copy", _nothing) == ()


def test_names_modes_and_lines_are_told(etc: Path, tmp_path: Path) -> None:
    (etc / "nginx" / "site.conf").write_text("listen 443;\nserver_name shop;\n")
    (etc / "nginx" / "site.conf").chmod(0o600)
    (tmp_path / "copy" / "nginx" / "site.conf").chmod(0o644)
    (etc / "nginx" / "site.conf").chmod(0o664)
    (etc / "new").mkdir()
    (etc / "key.bin").write_bytes(b"\0\1\3")
    (tmp_path / "copy" / "gone").symlink_to("/etc")
    told = differences(etc, tmp_path / "copy", _nothing)
    assert "+ new: live only" in told
    assert "- gone: in the backup only" in told
    assert "~ key.bin: other bytes (3, and live 3)" in told
    assert "~ nginx/site.conf: mode -rw-r--r--, and live -rw-rw-r--" in told
    assert "-listen 80;" in told
    assert "+listen 443;" in told


def test_no_secret_is_told(etc: Path, tmp_path: Path) -> None:
    (etc / ".env").write_text("TOKEN=newsecret\nPORT=80\n")
    (etc / "compose.yaml").write_text((etc / "compose.yaml").read_text().replace("oldsecret", "newsecret"))
    for folder, secret in ((etc, "newsecret"), (tmp_path / "copy", "oldsecret")):
        (folder / "app.toml").write_text(f'url = "postgres://shop:{secret}@db/shop"\nport = 1\n')
        (folder / "private").write_text(f"{secret}\n")
        (folder / "private").chmod(0o600)
    told = "\n".join(differences(etc, tmp_path / "copy", _nothing))
    assert "secret" not in told
    assert "~ .env: other values of TOKEN" in told
    assert "DB_PASSWORD: ***" in told
    assert "postgres://shop:***@db/shop" in told
    assert "~ private: other values of lines that are not shown" in told


def test_mistakes_of_compose_files_are_told_with_their_lines(etc: Path) -> None:
    assert list(compose_faults(etc, _nothing)) == []
    (etc / "nginx" / "docker-compose.prod.yml").write_text("services:\n  web: [\n")
    (etc / "compose.yaml").write_text("volumes:\n  data: {}\n")
    found = list(compose_faults(etc, _nothing))
    assert found[0] == "compose.yaml: has no services"
    assert found[1].startswith("nginx/docker-compose.prod.yml:3: ")
