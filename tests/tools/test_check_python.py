"""Before an environment is made, the missing package is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECK = Path(__file__).resolve().parents[2] / "tools" / "check_python.sh"


def check(python: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"}
    return subprocess.run(["sh", CHECK, python], env=environment, capture_output=True, text=True, timeout=30)


def test_a_complete_python_passes_in_silence(tmp_path: Path) -> None:
    done = check(sys.executable, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_python_without_ensurepip_is_refused_with_the_package_to_install(tmp_path: Path) -> None:
    (tmp_path / "ensurepip.py").write_text("raise ModuleNotFoundError('ensurepip')", encoding="utf-8")
    done = check(sys.executable, tmp_path)
    assert done.returncode == 1
    assert f"apt-get install {Path(sys.executable).name}-venv" in done.stderr


def test_no_python_at_all_is_refused_with_the_packages_to_install(tmp_path: Path) -> None:
    done = check(str(tmp_path / "python3"), tmp_path)
    assert done.returncode == 1
    assert "apt-get install python3 python3-venv" in done.stderr
