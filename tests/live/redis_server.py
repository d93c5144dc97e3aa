"""A Redis server of the test's own: a free port or a socket, a folder of its own, ended with the block."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PROGRAM = "redis-server"


def missing() -> str:
    """Return what this machine lacks, "" when nothing."""
    return "" if shutil.which(PROGRAM) else PROGRAM


@dataclass
class RedisServer:
    """A server that runs; `client` may do everything."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    password: str

    @property
    def url(self) -> str:
        """Return its address."""
        return f"redis://127.0.0.1:{self.port}"

    @property
    def client(self) -> Any:
        """Return a new client; the connection closes with it."""
        return redis.Redis(
            port=self.port, password=self.password or None, decode_responses=True, socket_timeout=60, retry=Retry(NoBackoff(), 0)
        )


@contextmanager
def server(folder: Path, port: int, *options: str, password: str = "", config: Path | None = None) -> Iterator[RedisServer]:
    """Run a server whose `dir` is `folder`/data; its password is said on its command line, or in `config`."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    plain = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(data), "--save", "", "--repl-diskless-sync-delay", "0"]
    secret = [str(config)] if config else ["--requirepass", password] if password else []
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen([PROGRAM, *secret, *plain, *options], stdout=log, stderr=log)
    made = RedisServer(port, data, process, password)
    try:
        _wait(made, folder / "server.log")
        yield made
    finally:
        process.kill()
        process.wait(30)


def _wait(made: RedisServer, log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and made.process.poll() is None:
        try:
            with made.client as client:
                client.ping()
                return
        except redis.exceptions.BusyLoadingError:
            return
        except redis.exceptions.ConnectionError:
            time.sleep(0.02)
    raise AssertionError(log.read_text(errors="replace")[-2000:])
