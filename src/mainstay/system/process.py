"""The one door to processes. It knows where they run: on this host or inside a container.

A process gets an argument list and never a shell string, an environment of its own, its own process group, no terminal, a
deadline, and bounded output. Before it exists it has a name: the environment variable MAINSTAY_STEP holds run and step, and
every descendant inherits it, so what a killed run left behind is found and ended by that name.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from mainstay.model.errors import Cancelled, DeadlinePassed, StepFailed, Unknown, Unreachable
from mainstay.model.setting import HOST, Place
from mainstay.model.units import Duration, Size
from mainstay.system import clock

TAG = "MAINSTAY_STEP"
_CHUNKS = 16  # reads in a row from one pipe: more than it can hold, and the deadline is looked at again
GRACE = Duration(5)  # between SIGTERM and SIGKILL
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "DOCKER_HOST", "DOCKER_CONFIG")


@dataclass(frozen=True)
class Completed:
    """What a process left: its exit code, its bounded output, how long it took, and how much output was cut off."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes
    took: Duration
    cut: Size

    def require(self, what: str) -> Completed:
        """Raise StepFailed unless the exit code is 0."""
        if self.code:
            tail = legible(self.stderr).strip().splitlines()[-3:]
            raise StepFailed(what, on=self.argv[0], because=f"exit code {self.code}" + (": " + " | ".join(tail) if tail else ""))
        return self


@dataclass(frozen=True)
class Door:
    """Starts processes at a place. `tag` names run and step, `inherit` are lock descriptors, `stop` says whether to give up."""

    place: Place = HOST
    tag: str = ""
    inherit: tuple[int, ...] = ()
    stop: Callable[[], bool] = field(default=lambda: False)
    cwd: Path | None = None
    keep: Size = Size(1 << 20)

    def run(
        self,
        argv: tuple[str, ...] | list[str],
        deadline: Duration,
        *,
        env: Mapping[str, str] | None = None,
        stdin: bytes | IO[bytes] | None = None,
        stdout: IO[bytes] | None = None,
    ) -> Completed:
        """Run to the end. Output beyond `keep` bytes is read and dropped; `stdout` sends it to a file instead, unchanged.

        Raises Unreachable when it cannot be started, DeadlinePassed or Cancelled when its whole process group had to be ended.
        """
        until, began = clock.Deadline(deadline), clock.monotonic()
        with _input(stdin) as source:
            child = self._start(self.place_argv(argv, env or {}), env or {}, source, stdout)
        try:
            out, err, cut = self._watch(child, until, argv)
        finally:
            if child.poll() is None:  # interrupted: nobody will look after it
                _end_group(child)
            for pipe in (child.stdout, child.stderr):
                if pipe:
                    pipe.close()
        return Completed(tuple(argv), child.returncode, out, err, Duration(clock.monotonic() - began), Size(cut))

    def place_argv(self, argv: tuple[str, ...] | list[str], env: Mapping[str, str]) -> list[str]:
        """Return the argument list that runs `argv` at this door's place; stdin stays open, no terminal is made.

        Values of `env` go by name only: docker takes them from its own environment, so none is seen in a process list.
        """
        if not self.place.container:
            return list(argv)
        names = [*env, *([TAG] if self.tag else [])]
        where = ["--workdir", str(self.cwd)] if self.cwd else []
        return ["docker", "exec", "-i", *(part for name in names for part in ("-e", name)), *where, self.place.container, *argv]

    def signal(self, pid: int, number: int) -> None:
        """Send a signal to a process of this door's place."""
        if self.place.container:
            self.run(["kill", f"-{number}", str(pid)], Duration(10)).require("cannot send a signal")
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError as error:
            raise Unreachable("cannot send a signal", on=f"process {pid}", because="there is no such process") from error
        except PermissionError as error:
            raise StepFailed("cannot send a signal", on=f"process {pid}", because="it belongs to another user") from error

    def _start(
        self, argv: list[str], env: Mapping[str, str], source: IO[bytes] | int, stdout: IO[bytes] | None
    ) -> subprocess.Popen[bytes]:
        base = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        tag = {TAG: self.tag} if self.tag else {}
        try:
            return subprocess.Popen(
                argv,
                stdin=source,
                stdout=stdout or subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**base, **env, **tag},
                cwd=None if self.place.container else self.cwd,
                pass_fds=self.inherit,
                start_new_session=True,
            )
        except OSError as error:
            raise Unreachable("cannot start a command", on=argv[0], because=error.strerror or str(error)) from error

    def _watch(
        self, child: subprocess.Popen[bytes], until: clock.Deadline, argv: tuple[str, ...] | list[str]
    ) -> tuple[bytes, bytes, int]:
        """Read both pipes until the process has ended; a descendant that keeps a pipe open is not waited for."""
        kept: dict[int, bytearray] = {}
        cut = 0
        with selectors.DefaultSelector() as selector, _ending(child) as end:
            selector.register(end, selectors.EVENT_READ)
            for pipe in (child.stdout, child.stderr):
                if pipe:
                    os.set_blocking(pipe.fileno(), False)
                    selector.register(pipe, selectors.EVENT_READ)
                    kept[pipe.fileno()] = bytearray()
            while True:
                over = child.poll() is not None
                for key, _ in selector.select(0 if over else 0.05):
                    if key.fd != end:
                        cut += self._read(selector, key, kept[key.fd])
                if over:
                    break
                self._give_up(child, until, argv)
        buffers = [bytes(kept[pipe.fileno()]) if pipe else b"" for pipe in (child.stdout, child.stderr)]
        return buffers[0], buffers[1], cut

    def _read(self, selector: selectors.BaseSelector, key: selectors.SelectorKey, kept: bytearray) -> int:
        cut, chunk = 0, None
        for _ in range(_CHUNKS):
            chunk = _nonblocking(key.fd)
            if not chunk:
                break
            room = max(0, self.keep - len(kept))
            kept += chunk[:room]
            cut += len(chunk) - room if len(chunk) > room else 0
        if chunk == b"":
            selector.unregister(key.fileobj)
        return cut

    def _give_up(self, child: subprocess.Popen[bytes], until: clock.Deadline, argv: tuple[str, ...] | list[str]) -> None:
        stopped, late = self.stop(), not until.left
        if not (stopped or late):
            return
        _end_group(child)
        if self.tag:
            end_tagged(self.tag)
        if stopped:
            raise Cancelled("stopped", on=argv[0], because="the run was cancelled")
        raise DeadlinePassed("stopped with its whole process group", on=argv[0], because=f"still at work after {until.allowed}")


@contextmanager
def _ending(child: subprocess.Popen[bytes]) -> Iterator[int]:
    """Yield a descriptor that can be read from once the process has ended, so that nobody waits longer than it runs."""
    end = os.pidfd_open(child.pid)
    try:
        yield end
    finally:
        os.close(end)


def legible(printed: bytes) -> str:
    """Return what a program has printed as text that cannot steer a terminal: control characters and non-text are replaced."""
    text = printed.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)


def tagged(*tags: str) -> list[int]:
    """Find the processes of this host, containers included, whose environment carries one of the tags."""
    wanted = {f"{TAG}={tag}".encode() for tag in tags}
    others = (entry for entry in Path("/proc").iterdir() if entry.name.isdigit() and int(entry.name) != os.getpid())
    return sorted(int(entry.name) for entry in others if not wanted.isdisjoint(_environment(entry)))


def end_tagged(*tags: str, grace: Duration = GRACE) -> int:
    """End every process that carries one of the tags and return how many there were; Unknown when one does not go."""
    seen: set[int] = set()
    for number, wait in ((signal.SIGTERM, grace), (signal.SIGKILL, grace)):
        until = clock.Deadline(wait)
        while alive := tagged(*tags):
            for pid in alive if not seen >= set(alive) or number == signal.SIGKILL else ():
                _kill(pid, number)
            seen |= set(alive)
            if not until.left:
                break
            clock.sleep(0.02)
    if alive := tagged(*tags):
        raise Unknown("processes of a step are still alive", on=", ".join(tags), because=f"pid {alive} did not end on SIGKILL")
    return len(seen)


def _environment(entry: Path) -> list[bytes]:
    try:
        if (entry / "stat").read_bytes().rpartition(b")")[2].split()[0] in (b"Z", b"X"):
            return []
        return (entry / "environ").read_bytes().split(b"\0")
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return []  # gone meanwhile, or somebody else's: not ours to end


def _end_group(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        _kill(-child.pid, number)
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            continue
    _kill(-child.pid, signal.SIGKILL)


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # it has ended by itself


def _nonblocking(fd: int) -> bytes | None:
    try:
        return os.read(fd, 1 << 16)
    except BlockingIOError:
        return None


class _input:
    """Turn what a caller has into something that a process can read from without anybody feeding it."""

    def __init__(self, stdin: bytes | IO[bytes] | None) -> None:
        self.given = stdin
        self.spool: IO[bytes] | None = None

    def __enter__(self) -> IO[bytes] | int:
        if self.given is None:
            return subprocess.DEVNULL
        if not isinstance(self.given, bytes):
            return self.given
        self.spool = tempfile.TemporaryFile()
        self.spool.write(self.given)
        self.spool.seek(0)
        return self.spool

    def __exit__(self, *_: object) -> None:
        if self.spool:
            self.spool.close()
