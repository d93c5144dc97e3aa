"""The commands of docs/how-to/show-maintenance.md, one after the other, on an nginx of the test."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from mainstay.engine.run import Launch
from tests.engine.shop import Shop
from tests.live.nginx_server import running

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "show-maintenance.md"
PROGRAM = [sys.executable, "-c", "from mainstay.cli.main import main; main()"]


def test_the_commands_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    with running(tmp_path) as server:
        shop = Shop(tmp_path)
        shop.targets["web"] = server.settings()
        assert shop.open().run("web.setup", Launch(by="ann")).settled
        said = [_said(tmp_path, *shlex.split(line)[1:]) for line in block.splitlines()]
    assert re.search(r"web.maintenance is in force until .* UTC, by \w+: new shelves", said[0])
    assert "next: mainstay mode off web.maintenance" in said[1]
    assert "web.maintenance: pass" in said[2]


def _said(folder: Path, *words: str) -> str:
    done = subprocess.run([*PROGRAM, *words], cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
