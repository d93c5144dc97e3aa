"""The commands of docs/how-to/rehearse-a-routine.md, one after the other, on the configuration of that page."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "rehearse-a-routine.md"
PROGRAM = Path(sys.executable).with_name("mainstay")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_every_command_of_the_page_works_as_it_says(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as database:
        database.executescript("PRAGMA journal_mode = WAL; CREATE TABLE meal(name TEXT); CREATE INDEX by_name ON meal(name)")
        database.executemany("INSERT INTO meal VALUES (?)", [("soup",), ("tea",)])
    config = blocks("yaml")[0].replace("/srv/shop", str(tmp_path)).replace("/var/lib/mainstay", f"{tmp_path}/state")
    (tmp_path / "mainstay.yaml").write_text(config, encoding="utf-8")
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 7
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY")}
    told = {}
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "mainstay"
        done = subprocess.run([PROGRAM, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        told[command] = done.stdout.lower()
    assert "2 tasks rehearsed" in told["mainstay rehearse weekly --last"]
    assert "rehearsed in" in told["mainstay plan weekly"]
