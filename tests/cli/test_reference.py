"""docs/reference/cli.md is what the command line prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_of_all_commands_is_up_to_date() -> None:
    code = "import runpy; print(runpy.run_path('tools/cli_reference.py')['page'](), end='')"
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    stored = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert made.stdout == stored, "run: python tools/cli_reference.py"
