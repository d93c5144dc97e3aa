"""The same look goes through the door of a container."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainstay.app import App
from mainstay.model.because import Level
from tests.live import debian, docker_engine
from tests.live.debian import Debian, Entry, ago

LACKING = docker_engine.missing() or debian.missing()
SITE = """
site: shop
timezone: UTC
state: {folder}/state
targets:
  box: {{kind: packages, root: /system, runs_in: {{container: box}}}}
"""
PROGRAMS = [part for name in ("/usr", "/lib", "/lib64", "/sbin") for part in ("-v", f"{name}:{name}:ro") if Path(name).exists()]


@pytest.mark.slow
@pytest.mark.skipif(bool(LACKING), reason=f"needs {LACKING}")
def test_the_packages_of_a_container_are_looked_at_through_its_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = Debian(tmp_path / "box")
    for newest, at in (("1.0-1", 900.0), ("1.0-2", 60.0)):
        system.install(system.build("web", newest, [Entry(newest, ago(at), "bookworm-security")]))
    system.publish("bookworm-security", system.build("web", "1.0-3", []), at=ago(50))
    (tmp_path / "mainstay.yaml").write_text(SITE.format(folder=tmp_path), encoding="utf-8")
    with docker_engine.engine(tmp_path) as host:
        docker_engine.image(host)
        monkeypatch.setenv("DOCKER_HOST", host)
        archive = system.folder / "archive"
        mounted = ("-v", f"{system.root}:/system:ro", "-v", f"{archive}:{archive}:ro")
        with docker_engine.container(host, "box", *mounted, *PROGRAMS):
            [record] = App.open(tmp_path / "mainstay.yaml").check()
        [gone] = App.open(tmp_path / "mainstay.yaml").check()
    seen = [(one.level, one.on, str(one.because)) for one in record.findings]
    assert (Level.CRITICAL, "security updates", "waiting for 2d2h > limits.security_critical 2d (default)") in seen
    assert (Level.WARNING, "patch time", "deployed after 2d12h > limits.security_critical 2d (default)") in seen
    assert [one.level for one in gone.findings] == [Level.UNKNOWN]
