"""One measured command: wall time, CPU of client and server, the largest process, bytes that it added."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.live.postgres_server import PostgresServer

TICK = os.sysconf("SC_CLK_TCK")
TIMEOUT = 1800
COMPILED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # as where it is installed


@dataclass(frozen=True)
class Measured:
    """Seconds and bytes; `peak` is the memory of the largest process of the client."""

    way: str
    day: str
    wall: float
    cpu: float  # of the client
    server: float  # CPU of the server's processes that the work was done by
    peak: int
    added: int
    said: str = ""

    @property
    def all_cpu(self) -> float:
        """CPU of both sides."""
        return self.cpu + self.server


def measured(made: PostgresServer, way: tuple[str, str], argv: list[str], place: Path, env: dict[str, str]) -> Measured:
    """Run a command to its end, which has to be a good one; `way` is what it is called and the day."""
    before, server = size(place), _server_cpu(made)
    began = time.perf_counter()
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**COMPILED, **env}) as process:
        said, error = process.communicate(timeout=TIMEOUT)
    wall = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{way}: {error[-2000:]}")
    time.sleep(0.3)  # until the postmaster has waited for its children
    usage: dict[str, Any] = _usage(said)
    added = size(place) - before
    return Measured(*way, wall, usage["cpu"], _server_cpu(made) - server, usage["peak"], added, usage["said"])


def size(place: Path) -> int:
    """Return the bytes of all files below a place."""
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())


def timed(argv: list[str]) -> list[str]:
    """Return the command that runs another one and prints the figures of all its processes in a last line."""
    return ["python3", "-c", _TIMED, *argv]


_TIMED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(f"\\n{used.ru_utime + used.ru_stime} {used.ru_maxrss * 1024}")
sys.exit(done.returncode)
"""


def _usage(said: str) -> dict[str, Any]:
    *lines, last = said.strip().splitlines()
    cpu, peak = last.split()
    return {"cpu": float(cpu), "peak": int(peak), "said": "\n".join(lines).strip()}


def _server_cpu(made: PostgresServer) -> float:
    """Return the CPU seconds of all children that the postmaster has waited for."""
    pid = (made.data / "postmaster.pid").read_text().split()[0]
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[13:15])) / TICK
