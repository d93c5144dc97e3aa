"""Every command of the tutorial is run, in order, and prints what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-hour.md"


@dataclass
class Command:
    """A command of the page, how it must end, and what it must print."""

    text: str
    code: int = 0
    prints: list[str] = field(default_factory=list)


def commands(page: str) -> list[Command]:
    found: list[Command] = []
    for block in re.findall(r"^```console\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                code = re.search(r"# exits with (\d+)$", line)
                found.append(Command(line[2:], int(code[1]) if code else 0))
            elif "<<END" in found[-1].text and not found[-1].text.endswith("\nEND"):
                found[-1].text += f"\n{line}"
            else:
                found[-1].prints.append(line)
    return found


@pytest.mark.slow
def test_every_command_of_the_first_hour_does_what_the_page_says(tmp_path: Path) -> None:
    program = f"{tmp_path}/bin/mainstay"
    Path(program).parent.mkdir()
    Path(program).write_text(f"#!{sys.executable}\nfrom mainstay.cli.main import main\nmain()\n")
    Path(program).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if name in ("LANG", "TMPDIR")}
    environment = {**kept, "HOME": str(tmp_path), "PATH": f"{tmp_path}/bin:/usr/local/bin:/usr/bin:/bin", "COLUMNS": "80"}
    folder = tmp_path
    for command in commands(PAGE.read_text(encoding="utf-8")):
        script = f"{command.text}\n" + ("pwd > ~/.here" if command.code == 0 else "")
        done = subprocess.run(["bash", "-ec", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == command.code, f"{command.text}\n{done.stdout}{done.stderr}"
        for line in command.prints:
            assert line in done.stdout + done.stderr, f"{command.text}\n{done.stdout}{done.stderr}"
        folder = Path((tmp_path / ".here").read_text().strip())


def test_the_page_has_commands_to_run() -> None:
    assert len(commands(PAGE.read_text(encoding="utf-8"))) > 20
