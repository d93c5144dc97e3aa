"""The world that the demo keeps in order: an application with its database, two logs, uploads and a configuration file.

    DIR/app/.env           settings of the application, one of them never filled in
    DIR/data/shop.db       its database, written all the time, nearly half empty
    DIR/logs/              app.log (its writer opens it anew on SIGHUP) and audit.log (its writer only appends)
    DIR/uploads/           files of customers, some old, some left over
    DIR/mainstay.yaml      what Mainstay is to do about it; DIR/backups and DIR/state are made by Mainstay
    DIR/run/               process ids, port and figures of the world itself

The processes are no part of Mainstay: they stand for the system that is maintained. They end with the demo, however it ends.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from string import Template

from mainstay.demo import application, load, writer
from mainstay.model.errors import Refused, Unreachable
from mainstay.model.units import Duration
from mainstay.system import clock

LOGS = {"app.log": ("--reopen", "--prefill", str(72_000_000)), "audit.log": ("--prefill", str(48_000_000))}
_PATIENCE = Duration(60)
_ENV = """\
# settings of the shop
APP_ENV=production
DATABASE_URL=sqlite:///data/shop.db
SESSION_SECRET=3f6c1d0e9a
SMTP_PASSWORD=CHANGE_ME_before_launch
"""
_CLUTTER = (".DS_Store", "Thumbs.db", "upload-0007.part", "report.pdf.bak", "notes.txt~", "empty.tmp")


@dataclass
class World:
    """A running world: where it is, where its application answers, and its processes by name."""

    folder: Path
    port: int = 0
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def configuration(self) -> Path:
        """The file that tells Mainstay about this world."""
        return self.folder / "mainstay.yaml"

    def start(self, name: str, *arguments: str) -> None:
        """Start one process of the world, in a process group of its own."""
        argv = [sys.executable, "-m", f"mainstay.demo.{arguments[0]}", "--dir", str(self.folder), *arguments[1:]]
        with (self.folder / "run" / f"{name}.stderr").open("wb") as stderr:
            self.processes[name] = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True
            )

    def stop(self) -> None:
        """End the world, the last started first: so the customers leave before the shop closes, and write their figures down."""
        while self.processes:
            _, process = self.processes.popitem()
            process.terminate()
            _reap(process)

    def await_file(self, name: str, path: Path) -> None:
        """Wait until a process of the world has made a file, which says that it is ready."""
        until = clock.Deadline(_PATIENCE)
        while not path.exists():
            if self.processes[name].poll() is not None or not until.left:
                said = (self.folder / "run" / f"{name}.stderr").read_text(encoding="utf-8", errors="replace").strip()
                raise Unreachable(
                    "the demo's system did not start", on=name, because=said.splitlines()[-1] if said else "no answer"
                )
            clock.sleep(0.02)


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Make a world in an empty folder, with customers who use it, and end all of it afterwards."""
    if folder.exists() and any(folder.iterdir()):
        raise Refused("the demo needs an empty folder", on=str(folder), because="it holds files", next="name another with --dir")
    for name in ("app", "data", "logs", "run", "uploads"):
        (folder / name).mkdir(parents=True)
    made = World(folder)
    with ExitStack() as stack:
        stack.callback(made.stop)
        made.start("application", "application")
        for log, arguments in LOGS.items():
            made.start(log, "writer", "--log", log, *arguments)
        _fill(folder)
        made.await_file("application", folder / application.PORT)
        made.port = int((folder / application.PORT).read_text(encoding="ascii"))
        for log in LOGS:
            made.await_file(log, writer.pid_file(folder, log))
        made.start("load", "load")
        made.await_file("load", folder / load.READY)
        made.configuration.write_text(configuration(folder, made.port), encoding="utf-8")
        yield made


def configuration(folder: Path, port: int) -> str:
    """Return the mainstay.yaml of a world."""
    template = Template(Path(__file__).with_name("mainstay.yaml").read_text(encoding="utf-8"))
    return template.substitute(dir=folder, port=port, python=sys.executable)


def _fill(folder: Path) -> None:
    """Write the settings, and uploads of the last three years."""
    (folder / "app" / ".env").write_text(_ENV, encoding="utf-8")
    dice = random.Random(11)
    for number in range(400):
        _upload(folder, f"upload-{number:04d}.jpg", dice.randbytes(dice.randrange(2_000, 60_000)), dice.randrange(1, 1000))
    for name in _CLUTTER:
        _upload(folder, name, b"" if name.startswith("empty") else b"left over\n", 30)


def _upload(folder: Path, name: str, content: bytes, days: int) -> None:
    """Write a file of so many days ago into the folder of its year."""
    at = clock.now() - timedelta(days=days)
    path = folder / "uploads" / f"{at:%Y}" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at.timestamp(), at.timestamp()))


def _reap(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.stdin is not None
    process.stdin.close()
