"""A stranger's first minute: `git clone` and `make demo` on a Debian that has Python, make and git, and nothing of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = "python3,python3-venv,make,git,ca-certificates"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
# how the host reaches a package index; nothing else of its environment comes along
PASSED_ON = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "http_proxy", "https_proxy", "no_proxy")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mmdebstrap"), reason="needs root and mmdebstrap"),
]


CLONE = "cd /root && git clone --quiet /srv/mainstay.git mainstay"


@pytest.fixture(scope="module")
def machine() -> Iterator[Path]:
    """A machine with a clone in /root/mainstay; a test finds nothing else there, or what any of the others has left."""
    with debian() as root:
        done = inside(root, CLONE)
        assert done.returncode == 0, done.stderr
        yield root


@contextmanager
def debian() -> Iterator[Path]:
    """Make a fresh Debian in a folder, with a bare clone of what is committed here."""
    with tempfile.TemporaryDirectory(prefix="fresh-", dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        root = Path(folder) / "root"
        options = ["--variant=minbase", "--mode=root", "--quiet", f"--include={PACKAGES}"]
        subprocess.run(["mmdebstrap", *options, "bookworm", root], check=True, timeout=300)
        root.chmod(0o755)
        shutil.copy("/etc/resolv.conf", root / "etc" / "resolv.conf")
        shutil.copy(AUTHORITIES, root / AUTHORITIES.relative_to("/"))
        subprocess.run(["git", "clone", "--quiet", "--bare", ROOT, root / "srv" / "mainstay.git"], check=True, timeout=60)
        yield root


def inside(machine: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a shell command on the machine, with processes and mounts of its own that end with it."""
    mounts = f"mount -t proc proc {machine}/proc && mount -t tmpfs tmpfs {machine}/dev/shm"
    passed = [f"{name}={os.environ[name]}" for name in PASSED_ON if name in os.environ]
    argv = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", f'{mounts} && exec chroot {machine} "$@"', "-"]
    environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", *passed]
    return subprocess.run([*argv, *environment, "sh", "-c", command], capture_output=True, text=True, timeout=600)


@contextmanager
def without(machine: Path, folder: str) -> Iterator[None]:
    """Take a folder of the machine away for a while."""
    away = (machine / folder).rename(machine / "root" / "away")
    try:
        yield
    finally:
        away.rename(machine / folder)


def test_clone_and_make_demo_need_nothing_but_python_make_and_git(machine: Path) -> None:
    began = time.monotonic()
    done = inside(machine, "cd /root/mainstay && make demo")
    print(done.stdout, done.stderr, f"took {time.monotonic() - began:.0f} s", sep="\n")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert " 0 failed, the slowest" in done.stdout
    assert done.stdout.count(" 0 lost, 0 doubled, 0 broken") == 2
    assert "a restored copy equals the original: db, uploads" in done.stdout


def test_a_second_make_installs_nothing_again(machine: Path) -> None:
    for said in ("", "is up to date"):
        done = inside(machine, "cd /root/mainstay && make .venv/run.stamp")
        assert done.returncode == 0, done.stderr
        assert said in done.stdout


def test_without_ensurepip_make_names_the_package_to_install(machine: Path) -> None:
    with without(machine, "usr/lib/python3.11/ensurepip"):  # what the package python3.11-venv brings
        done = inside(machine, "cd /root/mainstay && rm -rf .venv && make demo")
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr
    assert not (machine / "root" / "mainstay" / ".venv").exists()
