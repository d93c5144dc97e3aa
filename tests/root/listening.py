"""A site of targets that need root, worked on by a user who is not, and what systemd does for the root unit: listen and start."""

from __future__ import annotations

import json
import os
import pwd
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.serve.served import PROGRAM, Site

USER, OTHER = "nobody", "daemon"
ASK = """\
import socket, sys
way = socket.socket(socket.AF_UNIX)
way.connect(sys.argv[1])
way.sendall(sys.argv[2].encode() + b"\\n")
print(b"".join(iter(lambda: way.recv(65536), b"")).decode())
"""


def _may_read() -> bool:
    """Tell whether that user can read this program at all."""
    argv = ["setpriv", f"--reuid={USER}", "--clear-groups", sys.executable, "-P", "-c", "import mainstay.cli.main"]
    return os.geteuid() == 0 and subprocess.run(argv, cwd="/", capture_output=True, check=False).returncode == 0


as_user = pytest.mark.skipif(not _may_read(), reason="needs root, and a program that everybody may read")


class Rooted(Site):
    """A site whose state is USER's. What is `privilege: root` tells who did it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "state").mkdir(mode=0o700)
        os.chown(folder / "state", pwd.getpwnam(USER).pw_uid, -1)
        self.listens = folder / "root.sock"
        self.told: list[str] = []
        self.alive: list[subprocess.Popen[str]] = []
        self.settings["serve"] = {"root": str(self.listens)}

    def as_root(self, name: str, text: str, **settings: Any) -> None:
        """Add a command that only root may do: the file of effects is root's."""
        self.command(name, text, privilege="root", **settings)

    def run(self, *words: str, code: int = 0) -> str:
        """Call the program as USER."""
        return self.call(*words, code=code, user=USER)

    def newest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run("show", "last", "--json"))["run"]
        return found

    @contextmanager
    def unit(self) -> Iterator[None]:
        """Listen, and start the program for each connection, as Accept=yes of systemd.socket(5) does."""
        self.write()
        over = threading.Event()
        with socket.socket(socket.AF_UNIX) as way:
            way.bind(str(self.listens))
            self.listens.chmod(0o666)
            way.listen()
            way.settimeout(0.1)
            thread = threading.Thread(target=self._accept, args=(way, over))
            thread.start()
            try:
                yield
            finally:
                over.set()
                thread.join()
                for one in self.alive:
                    one.kill()
                    one.wait(timeout=30)
                self.listens.unlink()

    def _accept(self, way: socket.socket, over: threading.Event) -> None:
        argv = [*PROGRAM, "--config", str(self.file), "root", "--for-user", USER]
        env = {**os.environ, "STATE_DIRECTORY": str(self.folder / "kept")}
        while not over.is_set():
            try:
                connection, _ = way.accept()
            except TimeoutError:
                continue
            with connection, (self.folder / "unit.log").open("a") as log:
                started = subprocess.Popen(argv, stdin=connection.fileno(), stdout=log, stderr=log, env=env, cwd="/", text=True)
                self.alive = [*(one for one in self.alive if one.poll() is None), started]

    def ask(self, question: dict[str, Any], user: str = USER) -> str:
        """Send a question by hand, as whoever has taken over that user would; return the answer, or what it is refused for."""
        argv = [
            "setpriv",
            f"--reuid={user}",
            "--clear-groups",
            sys.executable,
            "-c",
            ASK,
            str(self.listens),
            json.dumps(question),
        ]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
        answer = json.loads(done.stdout)
        return " / ".join(str(part) for part in answer["error"].values()) if "error" in answer else json.dumps(answer)
