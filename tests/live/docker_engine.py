"""A Docker engine of its own on a socket in a folder, and an image made by `docker import`: nothing is pulled."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSYBOX = "/bin/busybox"
NEEDED = ("dockerd", "docker")


def missing() -> str:
    """Return what this machine lacks, "" when nothing."""
    lacking = [name for name in NEEDED if not shutil.which(name)] + ([BUSYBOX] if not Path(BUSYBOX).exists() else [])
    return ", ".join(lacking) or ("root" if os.geteuid() else "")


@contextmanager
def engine(folder: Path) -> Iterator[str]:
    """Run dockerd and yield the address of its socket."""
    host = f"unix://{folder}/docker.sock"
    plain = ("--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs")
    where = (f"--host={host}", f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/docker.pid")
    with (folder / "dockerd.log").open("wb") as log:
        daemon = subprocess.Popen(["dockerd", *plain, *where], stdout=log, stderr=log)
        try:
            _wait(host, daemon, folder)
            yield host
        finally:
            daemon.terminate()
            daemon.wait(30)


def image(host: str, name: str = "small") -> str:
    """Import an image that holds busybox and its links."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.add(BUSYBOX, "bin/busybox")
        for applet in ("sh", "cat", "kill", "env", "sleep", "test", "touch", "rm", "grep", "printf", "sha256sum"):
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
        for folder in ("tmp", "proc", "dev"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)
    docker(host, "import", "-", name, stdin=packed.getvalue())
    return name


@contextmanager
def container(host: str, name: str, *options: str, run: tuple[str, ...] = ("sleep", "3600")) -> Iterator[str]:
    """Run a container of the small image and yield its name."""
    docker(host, "run", "-d", "--name", name, "--network=none", *options, "small", *run)
    try:
        yield name
    finally:
        docker(host, "rm", "-f", name)


def docker(host: str, *argv: str, stdin: bytes = b"") -> str:
    """Call the client."""
    done = subprocess.run(["docker", "--host", host, *argv], input=stdin, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def _wait(host: str, daemon: subprocess.Popen[bytes], folder: Path) -> None:
    for _ in range(200):
        if subprocess.run(["docker", "--host", host, "info"], capture_output=True, check=False).returncode == 0:
            return
        assert daemon.poll() is None, (folder / "dockerd.log").read_text()[-2000:]
        time.sleep(0.1)
    raise AssertionError((folder / "dockerd.log").read_text()[-2000:])
