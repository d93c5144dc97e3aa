"""The commands of docs/how-to/plan-a-window.md, one after the other, on the configuration of that page."""

from __future__ import annotations

import os
import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "plan-a-window.md"
PROGRAM = Path(sys.executable).with_name("mainstay")
PARKED = ("mainstay run yearly",)  # it waits for a person, and says so by its exit code


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_every_command_of_the_page_works_as_it_says(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "one").write_text("1")
    database = sqlite3.connect(tmp_path / "shop.db")
    database.execute("CREATE TABLE meal(name TEXT)")
    database.commit()
    database.close()
    config = blocks("yaml")[0].replace("/srv/shop", str(tmp_path)) + f"state: {tmp_path}/state\n"
    (tmp_path / "mainstay.yaml").write_text(config, encoding="utf-8")
    commands = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(commands) == 8
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY")}
    for command in commands:
        program, *words = shlex.split(command)
        assert program == "mainstay"
        done = subprocess.run([PROGRAM, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
