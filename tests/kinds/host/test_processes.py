"""Processor, memory, pressure and descriptors, of real processes and of a real container limit."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstay.kinds.host.facts import Facts
from mainstay.kinds.host.settings import Settings
from mainstay.model.units import Duration
from mainstay.system import host
from tests.kinds.host.conftest import Look, told

_HOARD = """
import resource, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
kept = [open("/dev/null") for _ in range(56)]
print("ready", flush=True)
sys.stdin.read()
"""
_SPIN = "print('ready', flush=True)\nwhile True: pass"
_CGROUP = Path("/sys/fs/cgroup/memory")


def _ready(code: str) -> subprocess.Popen[bytes]:
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout
    assert child.stdout.readline() == b"ready\n"
    return child


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.communicate()


@pytest.mark.covers("HLT-09")
def test_a_process_near_its_descriptor_limit_is_named(look: Look) -> None:
    child = _ready(_HOARD)
    facts = look()
    _end(child)
    one = next(busy for busy in facts.crowded if busy.pid == child.pid)
    assert (one.files, one.files_limit) == (59, 64)
    assert told(facts, f"{one.name} ({child.pid})") == ["CRITICAL files_used 92.2 % > files_used_critical 90 % (default)"]


@pytest.mark.covers("HLT-09")
def test_a_process_that_spins_is_among_the_busiest_of_the_interval(look: Look) -> None:
    child = _ready(_SPIN)
    facts = look(limits=Settings(interval=Duration(1)))
    _end(child)
    assert child.pid in {busy.pid for busy in facts.busiest}
    assert facts.cpu_used > 0.1


def test_ticks_since_boot_say_little_of_now_and_their_difference_says_it() -> None:
    boot, now = host.CpuTimes(0, 0, 0, 0), host.CpuTimes(busy=10_000, io_wait=0, steal=0, total=1_000_000)
    later = host.CpuTimes(busy=10_190, io_wait=2, steal=0, total=1_000_200)
    assert now.since(boot)[0] == 0.01
    assert later.since(now) == (0.95, 0.01, 0)


def test_the_system_wide_count_of_open_files_is_read(look: Look) -> None:
    facts = look()
    assert 0 < facts.files_open < facts.files_most
    assert told(facts, "open files") == []


def test_pressure_is_read_where_the_kernel_keeps_it(look: Look) -> None:
    kept = {path.name for path in Path("/proc/pressure").glob("*")} & {"cpu", "io", "memory"}
    assert look().pressure.keys() == kept


@pytest.fixture
def limited() -> Iterator[Path]:
    """Make a memory cgroup of 256 MB, as a container has one."""
    if not (_CGROUP / "memory.limit_in_bytes").exists() or os.geteuid():
        pytest.skip("needs root and cgroup v1")
    group = _CGROUP / f"mainstay-test-{os.getpid()}"
    group.mkdir()
    (group / "memory.limit_in_bytes").write_text(str(256 << 20), encoding="ascii")
    yield group
    group.rmdir()


@pytest.mark.covers("HLT-09")
def test_in_a_limited_container_its_limit_is_the_memory_that_counts(limited: Path) -> None:
    code = "from mainstay.system import host; m = host.memory(); print(int(m.total), m.limited, m.used < m.total)"
    inside = f"mount --bind {limited} {_CGROUP} && exec {sys.executable} -c '{code}'"
    done = subprocess.run(["unshare", "-m", "sh", "-c", inside], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(256 << 20), "True", "True"]


def test_the_limits_of_cgroup_version_2_are_read(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("268435456\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("200000000\n", encoding="ascii")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 50000000\n", encoding="ascii")
    (tmp_path / "cpu.max").write_text("50000 100000\n", encoding="ascii")
    memory = host.memory(cgroup=tmp_path)
    assert (memory.total, memory.used, memory.limited) == (268435456, 150000000, True)
    assert host.cores(tmp_path) == 0.5


def test_a_container_without_a_limit_has_the_memory_of_the_host(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    (tmp_path / "cpu.max").write_text("max 100000\n", encoding="ascii")
    assert not host.memory(cgroup=tmp_path).limited
    assert host.cores(tmp_path) == os.cpu_count()


def test_the_facts_of_a_look_name_the_largest_processes(look: Look) -> None:
    facts: Facts = look()
    assert 0 < len(facts.largest) <= 5
    assert list(facts.largest) == sorted(facts.largest, key=lambda one: one.resident, reverse=True)
