"""What a performance report says: what is out of order, the worst first and each with what to do, then how it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from mainstay.kinds.postgres.performance.work import ENOUGH_BLOCKS, MEASURED, Scans, Work, share
from mainstay.model.because import Finding, Level, Scalar, because
from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Share, Size

if TYPE_CHECKING:
    from mainstay.kinds.postgres.performance.performance import PerformanceFacts

Ranked = tuple[float, Finding]  # how many times its limit


@dataclass(frozen=True)
class PerformanceParams:
    """What is out of order. Periods shorter than `shortest` are told and not judged by comparison."""

    shortest: Annotated[Duration, Setting("periods to be compared last at least that long", ge=0, example="1h")] = Duration(3600)
    worse: Annotated[float, Setting("how many times as much as usual stands out", ge=1, example="1.5")] = 1.5
    rollbacks: Annotated[Share, Setting("share of transactions that are rolled back", ge=0, le=1, example="5%")] = Share(0.05)
    requested: Annotated[Share, Setting("share of checkpoints that come before their time", ge=0, le=1, example="50%")] = Share(
        0.5
    )
    temp_a_day: Annotated[Size, Setting("temporary files written in a day", ge=0, example="10GB")] = Size(10_000_000_000)
    large: Annotated[Size, Setting("tables below that may be read from end to end", ge=0, example="100MB")] = Size(100_000_000)
    scans_a_day: Annotated[
        float, Setting("how often a large table may be read from end to end in a day", ge=0, example="100")
    ] = 100


_ADVICE = {
    "cache_hit": "what is read does not fit: look at shared_buffers (task tune), and at the tables that are read most",
    "rollback_share": "applications fail or give up: look for the errors in the server's log",
    "temp_a_day": "sorts and hashes exceed work_mem: the task statements names them; raise it for their role alone",
    "deadlocks_a_day": "two transactions lock the same rows in different order: the server's log has both statements",
    "requested_share": "write-ahead log fills up before checkpoint_timeout: raise max_wal_size",
    "wal_a_day": "more is written, or full pages follow too many checkpoints: look at checkpoints and at the statements",
    "io_share": "more time goes into reading and writing: compare the cache hit and the tables that are read most",
}
_WORSE_WHEN_MORE = ("rollback_share", "temp_a_day", "deadlocks_a_day", "requested_share", "wal_a_day", "io_share")


def findings(facts: PerformanceFacts, params: PerformanceParams) -> list[Finding]:
    """Rank what is out of order by how far it is beyond its limit, then tell how it goes."""
    ranked = [*_round_trip(facts), *_limits(facts, params), *_compared(facts, params), *_tables(facts, params)]
    ordered = [finding for _, finding in sorted(ranked, key=lambda one: -one[0])]
    return [*ordered, *_told(facts, params)]


def _round_trip(facts: PerformanceFacts) -> Iterator[Ranked]:
    limit = facts.settings.limits.latency
    if facts.latency > limit:
        reason = because("round_trip", facts.latency, ">", limit, "limits.latency")
        yield (
            facts.latency / max(limit, 1e-3),
            Finding(Level.WARNING, "round trip", reason, "look at network and load"),
        )


def _limits(facts: PerformanceFacts, params: PerformanceParams) -> Iterator[Ranked]:
    """Compare with fixed limits what has one."""
    if not facts.done:
        return
    hit, least = facts.done.cache_hit, facts.settings.limits.cache_hit
    if hit is not None and hit < least:
        reason = because("cache_hit", hit, "<", least, "limits.cache_hit")
        yield (1 - hit) / max(1 - least, 1e-3), Finding(Level.WARNING, "cache hit", reason, _ADVICE["cache_hit"])
    for name, param in (("rollback_share", "rollbacks"), ("requested_share", "requested"), ("temp_a_day", "temp_a_day")):
        value, limit = getattr(facts.done, name), getattr(params, param)
        if value is not None and value > limit and (name != "temp_a_day" or _long(facts.done, params)):
            yield (
                value / max(limit, 1e-9),
                Finding(Level.WARNING, _label(name), because(name, value, ">", limit, param), _ADVICE[name]),
            )


def _compared(facts: PerformanceFacts, params: PerformanceParams) -> Iterator[Ranked]:
    """Compare with what is usual, else with the period before."""
    if not facts.done or not _long(facts.done, params):
        return
    for name in _WORSE_WHEN_MORE:
        now, usual = getattr(facts.done, name), facts.usual.get(name, _before(facts, params, name))
        if now and usual is not None and now > params.worse * usual:
            factor = now / usual if usual else float(now > 0) * 100
            limit = type(now)(params.worse * usual)
            advice = f"usually {type(now)(usual)}: {_ADVICE[name]}"
            yield factor, Finding(Level.WARNING, _label(name), because(name, now, ">", limit, "worse"), advice)


def _before(facts: PerformanceFacts, params: PerformanceParams, name: str) -> float | None:
    return getattr(facts.before, name) if facts.before and _long(facts.before, params) else None


def _tables(facts: PerformanceFacts, params: PerformanceParams) -> Iterator[Ranked]:
    """Name large tables that are read from end to end, and those that are read from disk."""
    if not facts.done:
        return
    for table in facts.tables:
        often, hit = table.scans / facts.done.length * 86400, share(table.hits, table.reads, ENOUGH_BLOCKS)
        if _long(facts.done, params) and table.size > params.large and often > params.scans_a_day:
            reason = because("scans_a_day", round(often, 1), ">", params.scans_a_day, "scans_a_day")
            yield often / max(params.scans_a_day, 1e-9), Finding(Level.WARNING, table.named, reason, _scan(table))
        if hit is not None and hit < facts.settings.limits.cache_hit:
            reason = because("cache_hit", hit, "<", facts.settings.limits.cache_hit, "limits.cache_hit")
            advice = f"{table.reads:,} blocks of {table.size} came from outside: an index, fewer columns, or more memory"
            yield 1.0, Finding(Level.WARNING, table.named, reason, advice)


def _scan(table: Scans) -> str:
    rows = table.scanned // max(table.scans, 1)
    return f"{rows:,} rows each time, {table.size}: find the statement with the task statements, and index what it filters by"


def _told(facts: PerformanceFacts, params: PerformanceParams) -> Iterator[Finding]:
    """Tell how it goes, also where nothing is to be remarked."""
    waits = ", ".join(f"{one.name} {one.share}" for one in facts.sample.waits) or "nobody was at work"
    yield Finding(Level.OK, "sessions", because("at_work", facts.sample.active), waits)
    if facts.done is None:
        yield Finding(Level.OK, "period", because("first look: the next one tells what was done in between", None))
        return
    short = "" if _long(facts.done, params) else "too short to be compared: once a day or a week says more"
    yield Finding(Level.OK, "period", because("length", facts.done.length), short)
    for name in MEASURED:
        value, before = getattr(facts.done, name), getattr(facts.before, name, None)
        if value is not None:
            compared = f"{_shown(before)} in the period before" if before is not None else ""
            yield Finding(Level.OK, _label(name), because(name, value), compared)


def _long(done: Work, params: PerformanceParams) -> bool:
    return done.length >= params.shortest


def _label(name: str) -> str:
    words = name.replace("_", " ")
    return f"{words} per second" if name in ("commits", "rows_read", "rows_written") else words


def _shown(value: Scalar) -> str:
    return str(value) if isinstance(value, Size | Share | Duration) or not isinstance(value, float) else f"{value:.3g}"
