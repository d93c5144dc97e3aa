"""Without its driver the kind is known, documented and checked; only whoever wants to reach a server is told what to install."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WITHOUT = "import sys; sys.modules['redis'] = None; from mainstay.cli.main import main; sys.exit(main())"
SITE = """\
site: x
timezone: UTC
state: {0}/state
targets:
  cache: {{kind: redis, url: "redis://127.0.0.1"}}
  files: {{kind: files, path: {0}/files}}
  safe: {{kind: backup, repository: {{path: {0}/repository}}, of: [cache, files]}}
"""


def run(config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", WITHOUT, "-c", str(config), *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def test_a_missing_driver_is_told_and_stops_no_other_target(tmp_path: Path) -> None:
    config = tmp_path / "mainstay.yaml"
    config.write_text(SITE.format(tmp_path))
    (tmp_path / "files").mkdir()
    (tmp_path / "repository").mkdir()
    assert run(config, "check-config").returncode == 0
    told = run(config, "check", "cache")
    assert "pip install 'mainstay[redis]'" in " ".join((told.stdout + told.stderr).split())
    assert "Traceback" not in told.stderr
    assert run(config, "run", "safe.backup", "--yes").returncode == 1, "one target has no backup"
    assert ".files." in run(config, "backup", "list").stdout
