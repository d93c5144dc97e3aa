"""The size row counts what it says, and a broken bound fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SIZE = Path(__file__).resolve().parents[2] / "tools" / "size.py"
GOOD = 'def add(a, b):\n    """Add."""\n    return a + b\n'


def size(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SIZE, folder], capture_output=True, text=True, timeout=30)


def test_a_small_tree_is_one_row(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD, encoding="utf-8")
    done = size(tmp_path)
    assert done.returncode == 0
    assert done.stdout == ("files 1, lines 3, file 3/3/3; functions 1, 2/2/2; broad excepts 0, type: ignore 0, noqa 0\n")


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("def long():\n" + "    print()\n" * 40, "41 lines, at most 40"),
        ("def wide(a, b, c, d, e, f):\n    return a\n", "6 parameters, at most 5"),
        ("x = 1\n" * 401, "401 lines, at most 400"),
        ("x = y  # " + "noqa\n", "# noqa"),
        ("x = y  # type: " + "ignore\n", "type: ignore"),
        ("try:\n    x = 1\nexcept Exception:\n    raise\n" * 2, "broad excepts"),
    ],
    ids=["long function", "wide function", "long file", "noqa", "type ignore", "broad excepts"],
)
def test_a_broken_bound_is_named_and_fails(tmp_path: Path, code: str, complaint: str) -> None:
    (tmp_path / "bad.py").write_text(code, encoding="utf-8")
    done = size(tmp_path)
    assert done.returncode == 1
    assert complaint in done.stdout.split("\n", 1)[1]


def test_a_task_of_a_kind_is_shorter_than_other_files(tmp_path: Path) -> None:
    (tmp_path / "kinds").mkdir()
    (tmp_path / "kinds" / "task.py").write_text("class Task(TaskKind[F, P]):\n    pass\n" + "x = 1\n" * 119, encoding="utf-8")
    assert "121 lines, at most 120" in size(tmp_path).stdout


def test_the_options_of_a_command_are_not_counted_as_parameters(tmp_path: Path) -> None:
    (tmp_path / "cli.py").write_text("@app.command()\ndef run(a, b, c, d, e, f):\n    return a\n", encoding="utf-8")
    assert size(tmp_path).returncode == 0
