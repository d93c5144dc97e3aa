"""A private server that loads a dump: nobody but us reaches it, it saves nothing, and it forgets nothing either.

It is told that it is a replica of a server that cannot exist. A replica keeps keys whose time is over until its primary says
otherwise, so what it counts and digests does not depend on the time at which it does.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from mainstay.kinds.redis.server import Server, private
from mainstay.model.errors import Unreachable
from mainstay.model.setting import HOST
from mainstay.model.units import Duration
from mainstay.system.process import Completed, Door, legible
from mainstay.vault.manifest import Damaged
from mainstay.vault.store import Dump, Work

FILE = "dump.rdb"
SOCKET, _POLL = "scratch.sock", 0.05
_CONFIG = """\
port 0
unixsocket {socket}
unixsocketperm 700
dir "{folder}"
dbfilename {file}
save ""
appendonly no
databases 4096
replicaof 127.0.0.1 0
oom-score-adj absolute
oom-score-adj-values 1000 1000 1000
enable-debug-command local
set-proc-title no
"""
# Nobody can listen at port 0. Where memory is short, this server ends, and not the one that was copied. A title would be written
# over the environment, by which recovery finds the process.
_OLDEST = 7  # the first version that knows all of these

T = TypeVar("T")


@dataclass(frozen=True)
class _Loading:
    """A server that loads, the threads that wait for it, and whose work it is."""

    folder: Path
    threads: ThreadPoolExecutor
    running: Future[Completed]
    work: Work

    def awaited(self, ask: Callable[[], T]) -> T:
        """Ask in another thread, since the answer may take long."""
        answer = self.threads.submit(ask)
        while not wait([answer], _POLL).done:
            self.work.pulse()
        return answer.result()


def require(program: str, door: Door) -> None:
    """Refuse to begin without the program, or with one that is too old."""
    next = "install it (Debian: redis-server), or set `scratch_server: ''`: backups are then readable, but never proven"
    if not shutil.which(program):
        raise Unreachable("a dump of Redis is counted by a server of its own, and none is here", on=program, next=next)
    said = replace(door, place=HOST).run([program, "--version"], Duration(10)).require("cannot ask for its version")
    version = re.search(r"v=(\d+)\.", legible(said.stdout))
    if not version or int(version[1]) < _OLDEST:
        because = f"version {_OLDEST} or newer is needed: {legible(said.stdout).strip()[:80]}"
        raise Unreachable("the server that counts a dump is too old", on=program, because=because, next=next)


def measure(folder: Path, program: str, door: Door, work: Work) -> Dump:
    """Load `folder`/dump.rdb and say what it holds; Damaged when it cannot be loaded."""
    require(program, door)
    with _loaded(folder, program, door, work) as (server, loading):
        seen, libraries = server.information(), server.ask("FUNCTION LIST", "WITHCODE")
        dataset = loading.awaited(lambda: server.ask("DEBUG", "DIGEST"))
    code = sorted(one[b"library_code"] for one in libraries)  # the digest of the data does not see them
    counts = {**_keys(seen), "libraries": len(code)}
    digests = {"dataset": _text(dataset), "libraries": hashlib.sha256(repr(code).encode()).hexdigest()}
    return Dump(counts, digests, {"scratch redis": str(seen["redis_version"])})


def _keys(seen: dict[str, Any]) -> dict[str, int]:
    """Count keys, and those of them that are to expire, by database."""
    known = {name: value for name, value in seen.items() if re.fullmatch(r"db\d+", name)}
    expiring = {f"{name} expiring": int(value["expires"]) for name, value in known.items()}
    return {**{name: int(value["keys"]) for name, value in known.items()}, **expiring}


def _text(answer: str | bytes) -> str:
    return answer.decode() if isinstance(answer, bytes) else answer


@contextmanager
def _loaded(folder: Path, program: str, door: Door, work: Work) -> Iterator[tuple[Server, _Loading]]:
    """Run the server, which carries the door's tag, until the end of the block."""
    ended, quoted = Event(), "".join(f"\\x{byte:02x}" for byte in os.fsencode(folder))
    config = _CONFIG.format(socket=SOCKET, folder=quoted, file=FILE)
    apart = replace(door, place=HOST, stop=ended.is_set, cwd=folder)
    with ThreadPoolExecutor(2) as threads:
        running = threads.submit(apart.run, [program, "-"], work.deadline.left, stdin=config.encode())
        here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with private(f"/proc/self/fd/{here}/{SOCKET}", str(folder)) as server:  # a socket's own path ends at 107 bytes
                loading = _Loading(folder, threads, running, work)
                _until_loaded(server, loading)
                yield server, loading
        finally:
            ended.set()
            wait([running])
            os.close(here)
            (folder / SOCKET).unlink(missing_ok=True)


def _until_loaded(server: Server, loading: _Loading) -> None:
    while not loading.running.done():
        loading.work.pulse()
        with suppress(Unreachable):  # it does not listen yet
            if not server.information("persistence")["loading"]:
                return
        wait([loading.running], _POLL)
    raise Damaged("the dump cannot be loaded", on=str(loading.folder / FILE), because=_said(loading.running.result()))


def _said(done: Completed) -> str:
    """Return what the server complained of last."""
    lines = legible(done.stdout + done.stderr).splitlines()
    loud = [line.partition(" # ")[2].strip() for line in lines if " # " in line and "WARNING" not in line]
    return (loud or [line.strip() for line in lines if line.strip()] or [f"exit code {done.code}"])[-1][:200]
