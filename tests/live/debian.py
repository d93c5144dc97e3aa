"""A small Debian system in a folder: real dpkg and apt, packages with changelogs, an archive; this host is not touched."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

NEEDED = ("dpkg", "dpkg-deb", "apt-get", "apt-cache")
_CONTROL = "Package: {name}\nVersion: {version}\nArchitecture: {arch}\nMaintainer: A <a@example.org>\nDescription: a\n{more}"
_ENTRY = "{source} ({version}) {suite}; urgency={urgency}\n\n  * A change.\n\n -- A <a@example.org>  {date}\n\n"
_RELEASE = "Origin: Debian\nLabel: {label}\nSuite: {suite}\nDate: {date}\nArchitectures: amd64 all\nComponents: main\n"


def missing() -> str:
    """Return what this machine lacks, "" when nothing."""
    return ", ".join(name for name in NEEDED if not shutil.which(name)) or ("root" if os.geteuid() else "")


def ago(hours: float) -> datetime:
    """Return a moment in the past, to the second."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(hours=hours)


@dataclass(frozen=True)
class Entry:
    """An entry of a changelog."""

    version: str
    at: datetime
    suite: str = "bookworm"
    urgency: str = "medium"


@dataclass
class Debian:
    """A root with a database of dpkg, and the archives that its sources name."""

    folder: Path
    zone: str = "UTC"
    suites: dict[str, list[Path]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the folders; the time zone is that of the system."""
        for name in (
            "var/lib/dpkg",
            "var/lib/apt/lists/partial",
            "var/log/apt",
            "run",
            "etc/apt/preferences.d",
            "etc/apt/apt.conf.d",
        ):
            (self.root / name).mkdir(parents=True)
        (self.root / "var/cache/apt/archives/partial").mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()
        (self.root / "etc/localtime").symlink_to(f"/usr/share/zoneinfo/{self.zone}")

    @property
    def root(self) -> Path:
        """The root of the system."""
        return self.folder / "root"

    @property
    def log(self) -> Path:
        """Where dpkg writes what it does."""
        return self.root / "var/log/dpkg.log"

    def build(self, name: str, version: str, changelog: Sequence[Entry], arch: str = "amd64", **files: str) -> Path:
        """Build a package with its changelog, newest entry first; `files` are further ones of its documentation."""
        tree = self.folder / "build" / f"{name}_{version.replace(':', '%')}"
        doc = tree / "usr/share/doc" / name
        doc.mkdir(parents=True)
        (tree / "DEBIAN").mkdir()
        source = files.pop("source", "")
        more = f"Source: {source}\n" if source else ""
        (tree / "DEBIAN/control").write_text(_CONTROL.format(name=name, version=version, arch=arch, more=more))
        own = "changelog.Debian.gz" if "-" in version else "changelog.gz"
        kept = {own: written(name, changelog)} if changelog else {}
        for path, text in {**kept, **files}.items():
            (doc / path).write_bytes(gzip.compress(text.encode()) if path.endswith(".gz") else text.encode())
        package = tree.with_name(f"{tree.name}.deb")
        run("dpkg-deb", "--build", "--root-owner-group", str(tree), str(package))
        return package

    def publish(self, suite: str, *packages: Path, at: datetime, label: str = "Debian") -> None:
        """Let an archive have these packages, and the system know them; `at` is when the archive says that it was made."""
        lists = self.folder / "archive" / "dists" / suite / "main/binary-amd64"
        lists.mkdir(parents=True, exist_ok=True)
        pool = self.folder / "archive" / "pool"
        pool.mkdir(exist_ok=True)
        known = self.suites.setdefault(suite, [])
        known += [Path(shutil.copy(one, pool)) for one in packages]
        index = "".join(_stanza(one, self.folder / "archive") for one in known)
        (lists / "Packages").write_text(index)
        sums = f"SHA256:\n {hashlib.sha256(index.encode()).hexdigest()} {len(index)} main/binary-amd64/Packages\n"
        release = lists.parents[1] / "Release"
        release.write_text(_RELEASE.format(label=label, suite=suite, date=format_datetime(at)) + sums)
        os.utime(release, (at.timestamp(), at.timestamp()))
        sources = (f"deb [trusted=yes] file:{self.folder}/archive {one} main\n" for one in self.suites)
        (self.root / "etc/apt/sources.list").write_text("".join(sources))
        self.apt("update")

    def install(self, *packages: Path) -> None:
        """Install packages as `dpkg --install` does."""
        self._run("dpkg", *self._dpkg, "--install", *map(str, packages))

    def apt(self, *words: str) -> str:
        """Call apt-get for this system; the configuration of this host, with whatever it calls, is not read."""
        lines = [f'Dir "{self.root}";', f'Dir::State::status "{self.root}/var/lib/dpkg/status";']
        lines += ['APT::Sandbox::User "root";', 'APT::Architecture "amd64";']
        lines += [f'DPkg::Options:: "{option}";' for option in self._dpkg]
        (self.folder / "apt.conf").write_text("\n".join(lines))
        return self._run("apt-get", "--yes", "--quiet", *words, APT_CONFIG=str(self.folder / "apt.conf"))

    @property
    def _dpkg(self) -> tuple[str, ...]:
        """Where dpkg works and writes its log; small images leave out the documentation, and with it changelogs."""
        return (f"--root={self.root}", f"--log={self.log}", "--path-include=/usr/share/doc/*")

    def _run(self, *argv: str, **environment: str) -> str:
        return run(*argv, TZ=self.zone, DEBIAN_FRONTEND="noninteractive", LC_ALL="C", **environment)


def written(source: str, changelog: Sequence[Entry]) -> str:
    """Write a changelog."""
    return "".join(
        _ENTRY.format(source=source, version=one.version, suite=one.suite, urgency=one.urgency, date=format_datetime(one.at))
        for one in changelog
    )


def run(*argv: str, stdin: str = "", **environment: str) -> str:
    """Run a program to its end, which must be a good one."""
    whole = {**os.environ, **environment}
    done = subprocess.run(argv, env=whole, input=stdin, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout[-1000:]}{done.stderr[-2000:]}"
    return done.stdout


def _stanza(package: Path, archive: Path) -> str:
    content = package.read_bytes()
    control = run("dpkg-deb", "--field", str(package))
    place = f"Filename: {package.relative_to(archive)}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
    return f"{control}{place}\n"
