"""Installing: into the root of an image, again, over what somebody has changed, and back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mainstay.install import units
from mainstay.install.units import Wanted
from tests.serve.served import Site

as_root = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("systemd-sysusers"), reason="needs root and systemd-sysusers")
WANTED = Wanted(
    "shop", ("/opt/mainstay/bin/mainstay",), Path("/etc/mainstay/mainstay.yaml"), "mainstay", Path("/var/lib/mainstay")
)


@pytest.fixture
def image(site: Site) -> Path:
    """The root of an image, and a site that is to be installed there."""
    root = site.folder / "image"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "srv" / "shop").mkdir(parents=True)
    site.settings["state"] = "/var/lib/mainstay"
    site.settings["targets"] = {
        "db": {"kind": "sqlite", "path": "/srv/shop/shop.db"},
        "logs": {"kind": "logs", "paths": ["/var/log/shop/*/app*.log"], "archive": "/srv/archive"},
        "safe": {"kind": "backup", "repository": {"path": "/backups"}, "of": ["db"]},
        "job": {"kind": "command", "argv": ["/usr/local/bin/job"], "writes": ["/srv/job"]},
    }
    site.write()
    return root


def tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file() and path.stat().st_size}


@as_root
def test_an_image_gets_units_a_user_and_the_folders_that_are_its_own(site: Site, image: Path) -> None:
    told = site.call("install", "--prefix", str(image))
    service = (image / "etc/systemd/system/mainstay.service").read_text()
    assert [line for line in service.splitlines() if line.startswith("ReadWritePaths")] == [
        "ReadWritePaths=/var/lib/mainstay", "ReadWritePaths=-/backups", "ReadWritePaths=-/srv/archive",
        "ReadWritePaths=-/srv/job", "ReadWritePaths=-/srv/shop", "ReadWritePaths=-/var/log/shop",
    ]  # fmt: skip
    passwd = (image / "etc" / "passwd").read_text()
    uid = int(next(line for line in passwd.splitlines() if line.startswith("mainstay:")).split(":")[2])
    for folder in ("var/lib/mainstay", "backups", "srv/archive"):
        found = (image / folder).stat()
        assert (found.st_uid, found.st_mode & 0o777) == (uid, 0o700), folder
    assert not (image / "srv" / "job").exists()
    assert f"note: mainstay cannot write {image}/srv/shop (db)" in told
    assert (image / "etc/systemd/system/multi-user.target.wants/mainstay.service").is_symlink()


@as_root
@pytest.mark.covers("AUT-01")
def test_a_second_time_nothing_is_changed_and_remove_takes_all_of_it_back(site: Site, image: Path) -> None:
    site.call("install", "--prefix", str(image))
    first = tree(image)
    told = site.call("install", "--prefix", str(image))
    assert tree(image) == first
    assert "write " not in told.replace("cannot write", "")
    told = site.call("install", "--prefix", str(image), "--remove")
    assert "kept: the user mainstay and /var/lib/mainstay" in told
    assert not [path for path in image.rglob("*") if path.name.startswith("mainstay") and path != image / "var/lib/mainstay"]


@as_root
def test_what_somebody_has_changed_is_shown_and_not_overwritten_without_consent(site: Site, image: Path) -> None:
    site.call("install", "--prefix", str(image))
    unit = image / "etc/systemd/system/mainstay.service"
    mine = unit.read_text().replace("WatchdogSec=60", "WatchdogSec=7min")
    unit.write_text(mine)
    for words in (("install",), ("install", "--remove")):
        told = site.call(*words, "--prefix", str(image), code=3)
        assert "-WatchdogSec=7min\n+WatchdogSec=60" in told
        assert unit.read_text() == mine
    site.call("install", "--prefix", str(image), "--yes")
    assert "WatchdogSec=60" in unit.read_text()


@as_root
def test_an_older_installation_is_brought_up_to_date_without_asking(site: Site, image: Path) -> None:
    site.call("install", "--prefix", str(image))
    site.settings["targets"]["job"]["writes"] = ["/srv/elsewhere"]
    site.write()
    told = site.call("install", "--prefix", str(image))
    assert f"update {image}/etc/systemd/system/mainstay.service" in told
    assert "ReadWritePaths=-/srv/elsewhere" in (image / "etc/systemd/system/mainstay.service").read_text()


def test_a_dry_run_tells_and_leaves_everything_as_it_is(site: Site, image: Path) -> None:
    before = tree(image)
    told = site.call("install", "--prefix", str(image), "--dry-run")
    assert f"would write {image}/etc/systemd/system/mainstay.service" in told
    assert "would make the user mainstay" in told
    assert tree(image) == before


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("/home/app/files", "ProtectHome=read-only"),
        ("/srv/app", "ProtectHome=yes"),
        ("/tmp/app", "PrivateTmp=no"),
        ("/srv/with space/50%", 'ReadWritePaths="-/srv/with space/50%%"'),
    ],
)
def test_the_sandbox_opens_where_targets_lie_and_names_are_quoted(place: str, line: str) -> None:
    wanted = Wanted(WANTED.site, WANTED.program, WANTED.config, WANTED.user, WANTED.state, (Path(place),))
    assert line in units.files(wanted)[units.UNITS / "mainstay.service"].splitlines()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_the_units_are_what_systemd_expects(tmp_path: Path) -> None:
    for place, text in units.files(WANTED).items():
        text = text.replace(WANTED.program[0], shutil.which("true") or "")
        (tmp_path / place.name).write_text(text)
    argv = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in ("mainstay.service", "mainstay-settle.timer"))]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    argv = ["systemd-analyze", "security", "--offline=true", "--json=short", str(tmp_path / "mainstay.service")]
    found = json.loads(subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout)
    assert not [one for one in found if one["name"].startswith(("NoNewPrivileges", "ProtectSystem", "User")) and not one["set"]]
