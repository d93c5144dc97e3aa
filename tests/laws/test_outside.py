"""A kind from outside, written with the docs alone, is configured, documented, run and judged as ours are.

Its source is `tests/laws/outside`, a distribution of its own; `docs/adding-a-kind.md` shows every line of it.
"""

from __future__ import annotations

import ast
import io
import os
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

OUTSIDE = Path(__file__).parent / "outside"
ROOT = Path(__file__).parents[2]
MOST = 60  # lines of code of a task kind and its settings, imports aside
MAINSTAY = "from mainstay.cli.main import main; main()"
CONFIGURATION = """\
site: law
timezone: UTC
state: {folder}/state
targets:
  locks: {{kind: lockfiles, folder: "{folder}/run"{more}}}
routines:
  daily: {{tasks: [{task}]}}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build and install the distribution into a folder of its own."""
    folder = tmp_path_factory.mktemp("outside")
    source = shutil.copytree(OUTSIDE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--root-user-action=ignore"]
    alone = ["--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, *alone, "--target", folder / "site", source], check=True, timeout=120)
    return folder / "site"


@pytest.fixture
def site(tmp_path: Path, installed: Path) -> Path:
    """Return a folder with a stale lock file and one of a living process."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "gone.pid").write_text(f"{2**22 + 1}\n")
    os.utime(tmp_path / "run" / "gone.pid", (0, 0))
    (tmp_path / "run" / "alive.pid").write_text(f"{os.getpid()}\n")
    return tmp_path


def python(installed: Path, *argv: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed), "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, *argv], capture_output=True, text=True, env=environment, cwd=cwd, timeout=300, check=False
    )


def mainstay(
    installed: Path, site: Path, *argv: str, more: str = "", task: str = "locks.remove"
) -> subprocess.CompletedProcess[str]:
    (site / "mainstay.yaml").write_text(CONFIGURATION.format(folder=site, more=more, task=task))
    return python(installed, "-c", MAINSTAY, *argv, cwd=site)


def test_its_mistakes_are_told_with_file_and_line(installed: Path, site: Path) -> None:
    done = mainstay(installed, site, "check-config", more=", min_ago: 1h, pattern: [a]", task="locks.remoove")
    assert done.returncode == 2
    told = done.stdout + done.stderr
    assert "mainstay.yaml:5: targets.locks.min_ago: unknown key; did you mean min_age?" in told
    assert "mainstay.yaml:5: targets.locks.pattern" in told
    assert "locks is of kind lockfiles, which has no task 'remoove'; did you mean remove?" in told


def test_its_settings_are_in_the_schema_and_in_the_reference(installed: Path) -> None:
    code = "from mainstay import config; from mainstay.kinds import registry; import json; "
    done = python(installed, "-c", code + "print(json.dumps(config.schema(registry)), config.reference(registry))")
    assert done.returncode == 0, done.stderr
    told = done.stdout.lower()
    assert told.count("the folder of the lock files") == 2
    assert "move lock files whose process is gone to a trash folder" in told


def test_its_task_is_run_with_proof_and_leaves_alone_what_lives(installed: Path, site: Path) -> None:
    done = mainstay(installed, site, "run", "daily", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in (site / "run").glob("*.pid")) == ["alive.pid"]
    assert [path.name.endswith("gone.pid") for path in (site / "run" / ".trash").iterdir()] == [True]
    shown = mainstay(installed, site, "show", "last").stdout
    assert "process alive" in shown
    again = mainstay(installed, site, "run", "daily", "--yes")
    assert again.returncode == 0, again.stdout + again.stderr


def test_it_obeys_every_law(installed: Path) -> None:
    suite = ["tests/laws", "tests/kinds/test_cases.py", "-k", "lockfiles", "-p", "no:cacheprovider"]
    done = python(installed, "-m", "pytest", *suite)
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(done.stdout.split(" passed")[0].split()[-1]) > 40


def test_a_task_kind_and_its_settings_are_few_lines() -> None:
    counts = {
        name: _lines_of_code(OUTSIDE / "mainstay_lockfiles" / name)
        for name in ("settings.py", "remove.py", "facts.py", "check.py")
    }
    print("a new kind from the docs alone, lines of code without imports:", counts)
    assert counts["settings.py"] + counts["remove.py"] < MOST


def _lines_of_code(path: Path) -> int:
    """Count lines without blank ones, comments, docstrings and imports."""
    text = path.read_text(encoding="utf-8")
    ignored = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    tokens = (one for one in tokenize.generate_tokens(io.StringIO(text).readline) if one.type not in ignored)
    code = {line for one in tokens for line in range(one.start[0], one.end[0] + 1)}
    statements = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import | ast.ImportFrom | ast.Expr))
    for node in statements:
        if not isinstance(node, ast.Expr) or isinstance(node.value, ast.Constant):
            code -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(code)
