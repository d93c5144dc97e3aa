"""A machine that boots: Debian with systemd as its first process, in a container of systemd-nspawn, with Mainstay to install."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("MACHINES", ROOT / ".cache" / "machines"))
PACKAGES = "systemd,systemd-sysv,dbus,python3,python3-venv,procps,sqlite3"
REBOOT = 133  # how systemd-nspawn ends when its machine is rebooted and it may keep its unit only
PROGRAM = "/opt/mainstay/bin/mainstay"
MISSING = [name for name in ("mmdebstrap", "systemd-nspawn", "nsenter") if not shutil.which(name)]
WHY_NOT = "needs root" if os.geteuid() else f"needs {', '.join(MISSING)}" if MISSING else ""


@dataclass
class Machine:
    """A machine. Commands run in it as root."""

    root: Path
    console: Path
    nspawn: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Boot, and wait until it is up."""
        binds = [f"--bind-ro={sysconfig.get_path('purelib')}:/opt/libraries", f"--bind-ro={ROOT / 'src'}:/opt/source"]
        argv = ["systemd-nspawn", "-q", "-D", str(self.root), "-b", "--register=no", "--keep-unit", "--console=pipe", *binds]
        with self.console.open("ab") as console:
            self.nspawn = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        self.wait("the machine is up", "systemctl", "is-active", "--quiet", "multi-user.target", seconds=60)

    def reboot(self) -> None:
        """Shut down as a machine does that is rebooted, and boot again."""
        assert self.nspawn is not None
        self.run("systemctl", "reboot", "--no-block")
        assert self.nspawn.wait(timeout=120) == REBOOT
        self.start()

    def end(self) -> None:
        """Turn it off."""
        if self.nspawn:
            self.nspawn.kill()
            self.nspawn.wait(timeout=60)

    def run(self, *argv: str, code: int | None = 0) -> str:
        """Return what a command printed; with `code` None, whatever it ended with."""
        inside = ["nsenter", "-t", self._first(), "-m", "-u", "-i", "-n", "-p", "env", "-i", f"PATH={os.defpath}:/usr/sbin:/sbin"]
        done = subprocess.run([*inside, *argv], capture_output=True, text=True, timeout=120)
        if code is not None:
            assert done.returncode == code, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}\n{self.told()}"
        return done.stdout + done.stderr

    def wait(self, what: str, *argv: str, seconds: float) -> None:
        """Wait until a command ends with 0."""
        until = time.monotonic() + seconds
        while True:
            try:
                self.run(*argv)
                return
            except (AssertionError, FileNotFoundError, IndexError) as error:
                if time.monotonic() > until:
                    raise AssertionError(f"not within {seconds} s: {what}") from error
                time.sleep(0.3)

    def told(self) -> str:
        """Return what the service has told."""
        inside = ["nsenter", "-t", self._first(), "-m", "-p", "journalctl", "-u", "mainstay*", "--no-pager", "-n", "40"]
        return subprocess.run(inside, capture_output=True, text=True, timeout=30, check=False).stdout

    def show(self, unit: str, name: str) -> str:
        """Return a property of a unit."""
        return self.run("systemctl", "show", unit, "-p", name, "--value").strip()

    def _first(self) -> str:
        """Return the host's number of the machine's first process."""
        assert self.nspawn is not None
        return Path(f"/proc/{self.nspawn.pid}/task/{self.nspawn.pid}/children").read_text().split()[0]


@contextmanager
def booted() -> Iterator[Machine]:
    """Unpack, boot, and end it all."""
    with tempfile.TemporaryDirectory(prefix="machine-", dir=os.environ.get("TMPDIR", "/var/tmp")) as folder:
        root = Path(folder) / "root"
        root.mkdir(mode=0o755)
        Path(folder).chmod(0o755)
        subprocess.run(["tar", "-xf", _tar(), "-C", root, "--exclude=./dev/*"], check=True, timeout=120)
        _program(root)
        machine = Machine(root, Path(folder, "console"))
        try:
            machine.start()
            yield machine
        finally:
            machine.end()


def _program(root: Path) -> None:
    """Put an environment there whose libraries are those of this one, and the program into it."""
    subprocess.run(["chroot", root, "python3", "-m", "venv", "--without-pip", "/opt/mainstay"], check=True, timeout=120)
    (packages,) = (root / "opt" / "mainstay" / "lib").glob("python3.*/site-packages")
    (packages / "host.pth").write_text("/opt/libraries\n/opt/source\n")
    program = root / PROGRAM.lstrip("/")
    program.write_text("#!/opt/mainstay/bin/python3 -P\nfrom mainstay.cli.main import main\n\nmain()\n")
    program.chmod(0o755)


def _tar() -> Path:
    """Return the image, which is made once; another process that needs it at the same time waits."""
    CACHE.mkdir(parents=True, exist_ok=True)
    tar = CACHE / "systemd-bookworm.tar"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tar.exists():
            half = CACHE / "half.tar"
            argv = ["mmdebstrap", "--variant=minbase", "--mode=root", "--quiet", f"--include={PACKAGES}", "bookworm", str(half)]
            subprocess.run(argv, check=True, timeout=600)
            half.rename(tar)
    return tar
