"""What the server's settings should be on its machine: the runbook values, fitted to memory, connections, storage and room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Annotated, Literal

from mainstay.kinds.postgres.tuning.parameters import Parameter, TuneFacts
from mainstay.model.because import Because, because
from mainstay.model.setting import Setting
from mainstay.model.units import Share, Size

_MIB = 1024**2
_MOST_SHARED = Share(0.4)  # beyond it the kernel's cache starves, and a start may fail for want of memory
_NEAR = 0.2  # a share or a cost that differs by less is left alone
_ROOM = 4  # the write-ahead log may take a quarter of the room that is free, all sorts together a quarter of the memory


@dataclass(frozen=True)
class TuneParams:
    """What to aim at. Every name is that of PostgreSQL's setting."""

    apply: Annotated[bool, Setting("change the settings; otherwise the statements are only recommended", example="true")] = False
    memory: Annotated[
        Size | None,
        Setting("memory of the server, where it cannot be seen from here; never more than is seen", ge=1, example="16GiB"),
    ] = None
    storage: Annotated[Literal["auto", "ssd", "disk"], Setting("what the data lies on; auto: as the system says")] = "auto"
    shared_buffers: Annotated[
        Share, Setting("share of the memory for the server's own cache", ge=0.01, le=0.4, example="25%")
    ] = Share(0.25)
    effective_cache_size: Annotated[
        Share, Setting("share of the memory that the planner takes as cache, the system's included", ge=0.01, le=1, example="75%")
    ] = Share(0.75)
    maintenance_work_mem: Annotated[Size, Setting("memory of a vacuum or an index build", ge=_MIB, example="256MiB")] = Size(
        256 * _MIB
    )
    work_mem: Annotated[Size, Setting("memory of one sort or hash", ge=64 * 1024, example="4MiB")] = Size(4 * _MIB)
    checkpoint_completion_target: Annotated[Share, Setting("part of the time over which a checkpoint writes", ge=0, le=1)] = (
        Share(0.9)
    )
    wal_buffers: Annotated[Size, Setting("below it, a value set by ALTER SYSTEM gives way to the automatic one", ge=0)] = Size(
        16 * _MIB
    )
    default_statistics_target: Annotated[int, Setting("least detail of the planner's statistics", ge=1, le=10000)] = 100
    random_page_cost: Annotated[float, Setting("cost of a random page on solid state, relative to a sequential one", ge=1)] = 1.1
    effective_io_concurrency: Annotated[int, Setting("reads at a time that solid state bears", ge=0, le=1000)] = 200
    min_wal_size: Annotated[Size, Setting("write-ahead log that is kept for reuse", ge=32 * _MIB, example="1GiB")] = Size(1024**3)
    max_wal_size: Annotated[Size, Setting("write-ahead log between two checkpoints", ge=64 * _MIB, example="4GiB")] = Size(
        4 * 1024**3
    )


@dataclass(frozen=True)
class Range:
    """What is fine for a setting: `least` to `most`; `aim` is where it goes from outside, by default to the nearer end.

    `whole` is what the amounts are shares of, 0 where they are shown as they are; `own`: the limit is the parameter's value.
    """

    least: float
    most: float = inf
    aim: float | None = None
    whole: float = 0
    own: bool = True


@dataclass(frozen=True)
class Advice:
    """A setting that should have another value: `number` in its unit, `value` as it is written."""

    parameter: Parameter
    number: float
    value: str
    because: Because

    @property
    def statement(self) -> str:
        """What an operator can run."""
        after = "  -- takes effect with a restart" if self.parameter.restart else "; SELECT pg_reload_conf();"
        return f"ALTER SYSTEM SET {self.parameter.name} = '{self.value}'{after}"


def advise(facts: TuneFacts, params: TuneParams) -> Iterator[tuple[Parameter, Advice | Because]]:
    """Say of each setting what it should be, or why it is left as it is."""
    ranges = _ranges(facts, params)
    for parameter in facts.parameters:
        yield parameter, _left_alone(parameter, facts) or _judged(parameter, ranges[parameter.name])


def memory_of(facts: TuneFacts, params: TuneParams) -> Size | None:
    """Return the memory that the server can count on: what is seen, or what was told if that is less or nothing is seen."""
    return min((one for one in (params.memory, facts.machine.memory) if one), default=None)


def _left_alone(parameter: Parameter, facts: TuneFacts) -> Because | None:
    if parameter.chosen:
        return because(f"{parameter.written(parameter.number)} was set by hand", parameter.chosen)
    if parameter.name == "shared_buffers" and facts.where.huge_pages == "on":
        return because("huge_pages is on, so the kernel has to reserve them first: vm.nr_hugepages", None)
    return None


def _judged(parameter: Parameter, wanted: Range | Because) -> Advice | Because:
    if isinstance(wanted, Because):
        return wanted
    now, least, most = parameter.amount, wanted.least, wanted.most
    if least <= now <= most:
        return _compared(parameter, wanted, ">=", least) if least else _compared(parameter, wanted, "<=", most)
    op: Literal["<", ">"] = "<" if now < least else ">"
    limit = least if now < least else most
    number = parameter.numbered(limit if wanted.aim is None else wanted.aim)
    if number == parameter.number:
        return because(f"{parameter.written(number)} is the nearest value that the server takes", None)
    return Advice(parameter, number, parameter.written(number), _compared(parameter, wanted, op, limit))


def _compared(parameter: Parameter, wanted: Range, op: Literal["<", ">", "<=", ">="], end: float) -> Because:
    """State a comparison in the setting's own notation, or in shares of the memory."""
    named = wanted.aim if wanted.aim is not None and wanted.aim > 0 else wanted.least
    limit = end if op in ("<=", ">=") else {wanted.least: named, wanted.most: wanted.aim or end}[end]
    param = parameter.name if wanted.own and limit == named else ""
    if wanted.whole:
        return because(parameter.name, Share(parameter.amount / wanted.whole), op, Share(limit / wanted.whole), param)
    return because(parameter.name, parameter.written(parameter.number), op, parameter.written(parameter.numbered(limit)), param)


def _ranges(facts: TuneFacts, params: TuneParams) -> dict[str, Range | Because]:
    memory = memory_of(facts, params)
    unseen = because("the server's memory cannot be seen from here: set `memory`", None)
    by_memory = dict.fromkeys(("shared_buffers", "effective_cache_size", "maintenance_work_mem", "work_mem"), unseen)
    return {
        **(_by_memory(memory, facts, params) if memory else by_memory),
        **_by_storage(facts, params),
        **_by_room(facts.machine.free, params),
        "checkpoint_completion_target": Range(params.checkpoint_completion_target),
        "default_statistics_target": Range(params.default_statistics_target),
        "wal_buffers": _wal_buffers(facts, params),
    }


def _by_memory(memory: int, facts: TuneFacts, params: TuneParams) -> dict[str, Range | Because]:
    """Shares of the memory; all sorts together, and all vacuums together, may take a quarter of it each."""
    shared, cache = _whole(memory * params.shared_buffers), _whole(memory * params.effective_cache_size)
    sorts = _whole(memory / _ROOM / facts.where.max_connections)
    vacuums = _whole(memory / _ROOM / (facts.where.autovacuum_workers + 1))
    return {
        "shared_buffers": Range(shared * (1 - _NEAR), max(shared, _whole(memory * _MOST_SHARED)), shared, memory),
        "effective_cache_size": Range(cache * (1 - _NEAR), cache * (1 + _NEAR), cache, memory),
        "maintenance_work_mem": _at_least(params.maintenance_work_mem, vacuums, vacuums),
        "work_mem": _at_least(params.work_mem, sorts, sorts),
    }


def _by_storage(facts: TuneFacts, params: TuneParams) -> dict[str, Range | Because]:
    """Random reads are cheap on solid state only."""
    seen = {None: "auto", True: "disk", False: "ssd"}[facts.machine.rotational]
    storage = seen if params.storage == "auto" else params.storage
    names = ("random_page_cost", "effective_io_concurrency")
    if storage == "auto":
        return dict.fromkeys(names, because("the server's disk cannot be seen from here: set `storage`", None))
    if storage == "disk":
        return {names[0]: Range(2, aim=4, own=False), names[1]: because("the data lies on a disk that turns", None)}
    cost = params.random_page_cost
    return {names[0]: Range(0, cost * (1 + _NEAR), cost), names[1]: Range(params.effective_io_concurrency)}


def _by_room(free: int | None, params: TuneParams) -> dict[str, Range | Because]:
    """More write-ahead log means fewer checkpoints, as long as there is room for it."""
    room = inf if free is None else free / _ROOM
    return {"max_wal_size": _at_least(params.max_wal_size, room), "min_wal_size": _at_least(params.min_wal_size, room / _ROOM)}


def _wal_buffers(facts: TuneFacts, params: TuneParams) -> Range | Because:
    """Leave it automatic: then it grows with shared_buffers up to 16 MB, which is enough."""
    for one in (one for one in facts.parameters if one.name == "wal_buffers"):
        if one.source in ("default", "override"):
            return because(f"automatic: {one.written(one.number)}", None)
    return Range(params.wal_buffers, aim=-8192)


def _at_least(wanted: float, bound: float, most: float = inf) -> Range:
    """Return a lower end, or what a bound leaves of it."""
    return Range(min(wanted, bound), most, own=wanted <= bound)


def _whole(amount: float) -> float:
    """Round down to megabytes, as people write them; small amounts to 64 kB."""
    step = _MIB if amount >= 16 * _MIB else 65536
    return amount // step * step
