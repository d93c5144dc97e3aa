"""Judge a host by its limits."""

from __future__ import annotations

from mainstay.kinds.host.facts import Facts, share
from mainstay.kinds.host.judge import judge, judge_disk
from mainstay.kinds.host.look import look
from mainstay.kinds.kind import NoParams, Session, TaskKind
from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On
from mainstay.model.task import TaskClass
from mainstay.model.units import Share


class Check(TaskKind[Facts, NoParams]):
    """Look at processor, memory, pressure, every mount and open files."""

    name = "check"
    summary = "processor, memory, swap, pressure, load, every mount and open files against their limits"
    task_class = TaskClass.CHECK
    facts = Facts

    def observe(self, session: Session, on: On | None = None) -> Facts:
        """Sample for as long as the setting `interval` says."""
        return look(session.target.settings, session.last)

    def assess(self, facts: Facts, params: NoParams) -> list[Finding]:
        """Judge the processor and memory, then each mount, then open files."""
        found = [*_load(facts), *_memory(facts), *_pressure(facts)] or [_seen(facts)]
        for disk in facts.disks:
            found += judge_disk(disk, facts.limits)
        found += [Finding(Level.CRITICAL, path, because("does not answer", None), "is its server gone?") for path in facts.silent]
        return found + _files(facts)


def _load(facts: Facts) -> list[Finding]:
    busy = ", ".join(f"{one.name} ({one.pid}) {one.cpu}" for one in facts.busiest[:3])
    advice = f"busiest over the interval: {busy or 'nothing'}"
    return judge(facts.limits, "cpu_used", "cpu", facts.cpu_used, advice) + judge(
        facts.limits, "load_per_core", "cpu", facts.load_per_core, advice
    )


def _memory(facts: Facts) -> list[Finding]:
    memory, limits = facts.memory, facts.limits
    large = ", ".join(f"{one.name} ({one.pid}) {one.resident}" for one in facts.largest[:3])
    where = "memory of this container" if memory.limited else "memory"
    found = judge(limits, "memory_used", where, share(memory.used, memory.total), f"largest: {large}")
    if memory.swap_total:
        found += judge(limits, "swap_used", "swap", share(memory.swap_used, memory.swap_total), f"largest: {large}")
    if facts.new_oom_kills:
        killed = because("killed_for_want_of_memory", facts.new_oom_kills, ">", 0)
        found.append(Finding(Level.CRITICAL, "memory", killed, "the kernel's log names the processes"))
    return found


def _pressure(facts: Facts) -> list[Finding]:
    return [
        finding
        for name, seen in facts.pressure.items()
        for finding in judge(facts.limits, f"{name}_pressure", name, Share(seen.avg60), "tasks wait for it")
    ]


def _files(facts: Facts) -> list[Finding]:
    limits = facts.limits
    found = judge(limits, "files_used", "open files", share(facts.files_open, facts.files_most), "raise fs.file-max")
    for one in facts.crowded:
        left = f"{one.files:,} of {one.files_limit:,} descriptors; raise LimitNOFILE or look for a leak"
        found += judge(limits, "files_used", f"{one.name} ({one.pid})", share(one.files, one.files_limit), left)
    return found


def _seen(facts: Facts) -> Finding:
    memory = f"memory {share(facts.memory.used, facts.memory.total)} of {facts.memory.total}"
    load = f"load {facts.load_per_core:.2g} per core"
    return Finding(Level.OK, "host", because("seen", f"cpu {facts.cpu_used}, {load}, {memory}"))
