"""The commands of docs/how-to/check-and-watch.md, on the configuration of that page and a real service."""

from __future__ import annotations

import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.servers import Site
from tests.story.test_tutorial import commands
from tests.test_docs import configurations

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "check-and-watch.md"
PROGRAM = [sys.executable, "-P", "-m", "mainstay.cli"]


def test_every_command_of_the_page_does_what_it_says(tmp_path: Path) -> None:
    database = sqlite3.connect(tmp_path / "app.db")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    database.close()
    with Site() as site:
        url = site.page("/health", 200, b'{"status": "up"}')
        text = configurations(PAGE)[0].replace("/srv/app", str(tmp_path)).replace("http://127.0.0.1:8000/health", url)
        # a busy machine is no slower service
        text = (
            text.replace("within: 2s}", "within: 20s}")
            .replace("factor: 2", "factor: 2, at_least: 5s")
            .replace("2m}", "2m, every: 50ms}")
        )
        (tmp_path / "mainstay.yaml").write_text(f"{text}state: {tmp_path}/state\n", encoding="utf-8")
        found = commands(PAGE.read_text(encoding="utf-8"))
        assert len(found) == 5
        for command in found:
            words = shlex.split(command.text, comments=True)
            argv = [*PROGRAM, "--config", str(tmp_path / "mainstay.yaml"), *words[1:]]
            done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
            printed = done.stdout + done.stderr
            assert done.returncode == command.code, f"{command.text}\n{printed}"
            for line in command.prints:
                assert line in printed, f"{command.text}\n{printed}"
