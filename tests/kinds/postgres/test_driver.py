"""Without its driver the kind is known, documented and checked; only whoever wants to reach a server is told what to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WITHOUT = "import sys; sys.modules['psycopg'] = None; from mainstay.cli.main import main; sys.exit(main())"


def run(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", WITHOUT, "-c", str(config), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def test_a_missing_driver_is_told_with_the_command_that_installs_it(tmp_path: Path) -> None:
    config = tmp_path / "mainstay.yaml"
    targets = 'targets:\n  db: {kind: postgres, dsn: "host=127.0.0.1"}\nroutines:\n  daily: {tasks: [db.analyze]}\n'
    config.write_text(f"site: x\ntimezone: UTC\nstate: {tmp_path}/state\n{targets}")
    assert run(config, "check-config").returncode == 0
    for words in (("check", "db"), ("run", "daily")):
        told = run(config, *words)
        assert "pip install 'mainstay[postgres]'" in " ".join((told.stdout + told.stderr).split())
        assert "Traceback" not in told.stderr
