"""Real remotes on loopback: S3 with conditional writes, S3 that keeps files, and SFTP; and a relay that cuts connections."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from mainstay.model.setting import SecretRef
from mainstay.model.units import Duration
from mainstay.vault.copies.remotes import RemoteSettings, S3Settings, SftpSettings

S3RVER = Path(os.environ.get("S3RVER") or Path(__file__).parents[2] / ".cache" / "s3rver") / "node_modules" / ".bin" / "s3rver"
BUCKET, KEY = "copies", "S3RVER"


@dataclass
class Relay:
    """Passes bytes on to a port, and breaks every connection once `left` bytes have gone there; None: never."""

    to: int
    left: int | None = None
    cuts: int = 0
    port: int = 0
    _open: list[socket.socket] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[Relay]:
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
            threading.Thread(target=self._serve, args=(server,), daemon=True).start()
            try:
                yield self
            finally:
                server.shutdown(socket.SHUT_RDWR)
                for one in self._open:
                    _closed(one)

    def _serve(self, server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, far = server.accept()[0], socket.create_connection(("127.0.0.1", self.to))
                self._open += [near, far]
                for source, sink, counted in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._pass, args=(source, sink, counted), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while chunk := source.recv(1 << 16):
                if counted and self.left is not None:
                    self.left -= len(chunk)
                    if self.left < 0:
                        self.cuts += 1
                        break
                sink.sendall(chunk)
        _closed(source)
        _closed(sink)


@contextmanager
def moto(folder: Path, port: int) -> Iterator[S3Settings]:
    """Start a server that honours conditions and keeps checksums; it takes any key."""
    program = Path(sys.executable).with_name("moto_server")
    with _started([str(program), "-H", "127.0.0.1", "-p", str(port)], port, folder):
        settings = s3_settings(folder, port)
        _make_bucket(port)
        yield settings


@contextmanager
def s3rver(folder: Path, port: int) -> Iterator[S3Settings]:
    """Start a server that keeps its files below `folder`/s3 and looks at the key id."""
    if not S3RVER.exists():
        pytest.skip("needs s3rver: make s3-server")
    (folder / "s3").mkdir()
    argv = ["node", str(S3RVER), "-d", str(folder / "s3"), "-a", "127.0.0.1", "-p", str(port), "--configure-bucket", BUCKET]
    with _started(argv, port, folder):
        yield s3_settings(folder, port)


@contextmanager
def sshd(folder: Path, port: int) -> Iterator[SftpSettings]:
    """Start an OpenSSH server with a configuration, a host key and a user's key of its own."""
    if not Path("/usr/sbin/sshd").exists():
        pytest.skip("needs openssh-server")
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    (folder / "remote").mkdir()
    for name in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    config = {"Port": port, "ListenAddress": "127.0.0.1", "HostKey": folder / "host_key", "PidFile": folder / "sshd.pid"}
    config |= {"AuthorizedKeysFile": folder / "authorized_keys", "StrictModes": "no", "UsePAM": "no"}
    config |= {"PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no", "Subsystem": "sftp internal-sftp"}
    (folder / "sshd_config").write_text("".join(f"{key} {value}\n" for key, value in config.items()))
    with _started(["/usr/sbin/sshd", "-D", "-f", str(folder / "sshd_config")], port, folder):
        known_host(folder, port)
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        where = str(folder / "remote")
        yield SftpSettings("127.0.0.1", user, where, folder / "user_key", folder / "known_hosts", port, Duration(10))


def known_host(folder: Path, port: int) -> None:
    """Write the host key of `sshd` down as known on a port."""
    key = (folder / "host_key.pub").read_text()
    with (folder / "known_hosts").open("a") as file:
        file.write(f"[127.0.0.1]:{port} {key}")


def through(relay: Relay, settings: RemoteSettings, folder: Path) -> RemoteSettings:
    """Return settings that reach the same server through a relay."""
    if isinstance(settings, SftpSettings):
        known_host(folder, relay.port)
        return replace(settings, port=relay.port)
    assert isinstance(settings, S3Settings)
    return replace(settings, endpoint=f"http://127.0.0.1:{relay.port}")


def s3_settings(folder: Path, port: int, key_id: str = KEY) -> S3Settings:
    """Return settings that reach the bucket."""
    for name, value in (("key_id", key_id), ("secret", KEY)):
        (folder / name).write_text(value)
        (folder / name).chmod(0o600)
    key, secret = SecretRef("file", str(folder / "key_id")), SecretRef("file", str(folder / "secret"))
    return S3Settings(BUCKET, key, secret, "shop/", f"http://127.0.0.1:{port}", timeout=Duration(10))


def _make_bucket(port: int) -> None:
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=KEY,
    )
    client.create_bucket(Bucket=BUCKET)
    client.close()


@contextmanager
def _started(argv: list[str], port: int, folder: Path) -> Iterator[None]:
    """Run a server until the end of the block; it is there when its port answers."""
    with (folder / f"server-{port}.log").open("wb") as log, subprocess.Popen(argv, stdout=log, stderr=log) as server:
        try:
            for _ in range(300):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield
        finally:
            server.terminate()
            server.wait(10)


def _closed(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
