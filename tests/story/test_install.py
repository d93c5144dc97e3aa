"""The wheel, installed where nothing of this checkout can be seen; and what stays when it is removed."""

from __future__ import annotations

import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.shop import Shop

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


def run(*argv: str | Path, cwd: Path = ROOT, code: int = 0) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources and install it in a new environment; return its programs' folder."""
    folder = tmp_path_factory.mktemp("install")
    source = folder / "source"
    source.mkdir()
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder, source)
    run(sys.executable, "-m", "venv", folder / "venv")
    programs = folder / "venv" / "bin"
    [packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    # its dependencies are those of this environment, without this checkout: a .pth file, whose own .pth files are not read
    (packages / "dependencies.pth").write_text(f"{site.getsitepackages()[0]}\n")
    [wheel] = folder.glob("*.whl")
    run(programs / "pip", "install", "-q", "--no-deps", "--ignore-installed", wheel)
    return programs


def test_the_wheel_holds_everything_that_a_run_and_its_report_need(installed: Path, tmp_path: Path) -> None:
    shop = Shop.built(tmp_path / "shop")
    mainstay = installed / "mainstay"
    where = run(installed / "python", "-c", "import mainstay; print(mainstay.__file__)", cwd=tmp_path)
    assert str(installed.parent) in where
    assert run(mainstay, "--version", cwd=shop.folder).startswith("mainstay ")
    run(mainstay, "run", "daily", cwd=shop.folder)
    run(mainstay, "report", "daily", "--format", "html", "--output", "report.html", cwd=shop.folder)
    assert "<svg" in (shop.folder / "report.html").read_text(encoding="utf-8")
    assert '"targets"' in run(mainstay, "schema", cwd=shop.folder)


def test_removing_the_package_leaves_the_memory(installed: Path, tmp_path: Path) -> None:
    shop = Shop.built(tmp_path / "shop")
    run(installed / "mainstay", "run", "mark.run", cwd=shop.folder)
    run(installed / "pip", "uninstall", "-q", "-y", "mainstay")
    assert not (installed / "mainstay").exists()
    assert shop.last()["routine"] == "mark.run"


@pytest.mark.skipif(not shutil.which("pipx"), reason="needs pipx")
def test_pipx_installs_it_from_a_checkout(tmp_path: Path) -> None:
    places = {"PIPX_HOME": str(tmp_path / "home"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    run("env", *(f"{name}={value}" for name, value in places.items()), "pipx", "install", "--python", sys.executable, ROOT)
    assert run(tmp_path / "bin" / "mainstay", "--version").startswith("mainstay ")
