"""A site as it could be: twelve weekly runs of a scheduler's maintenance, the last one with what goes wrong on a bad Sunday."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mainstay.model.because import Finding, Level, because
from mainstay.model.figure import Measure
from mainstay.model.plan import Envelope, Impact, Neutral, OneWay, Plan, Skip, Step, Undo
from mainstay.model.run import Remark, RunRecord, Status, StepRecord, TaskRecord, Verdict
from mainstay.model.target import Origin
from mainstay.model.units import Duration, Share, Size

FIRST = datetime(2026, 7, 19, 0, 0, tzinfo=UTC)
WEEKS = 12
NOW = datetime(2026, 10, 4, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))
WHERE = Origin("mainstay.yaml", 14)
GiB = 2**30


def weeks(count: int = WEEKS) -> list[RunRecord]:
    """The runs before the last one, oldest first; all of them went well."""
    return [good(week) for week in range(count - 1)]


def good(week: int) -> RunRecord:
    """A Sunday on which everything is done and verified."""
    began = FIRST + timedelta(weeks=week)
    tasks = (bracket(began), backup(began, week), vacuum(began, week), rotate(began, week), renew(began))
    ended = began + timedelta(minutes=14, seconds=10 + 7 * week)
    return RunRecord(
        id=f"{began:%Y%m%dT%H%M%S}-weekly-{0xA100 + week:04x}",
        routine="weekly",
        launched_by="mainstay",
        status=Status.CHANGED,
        began=began,
        ended=ended,
        verdict=Verdict.PASS,
        settled=True,
        attended=False,
        tasks=tasks,
        checks=(check("api.check", "api", Finding(Level.OK, "api", because("answers in", Duration(0.062)))),),
        baseline=facts(week, after=False),
        final=facts(week, after=True),
    )


def bad(week: int = WEEKS - 1) -> RunRecord:
    """A Sunday with a task taken back, one over its budget, one deferred, a failing check and a late answer."""
    run = good(week)
    began = run.began
    late = began + timedelta(minutes=7)
    tasks = (
        bracket(began, minutes=21),
        backup(began, week, slow=2.4),
        vacuum(late, week),
        failed_purge(late),
        rotate(late, week),
        deferred(),
    )
    final = facts(week, after=True)
    final["db.check"]["connections"] = 41
    final["api.check"]["p95_seconds"] = 0.412
    found = Finding(Level.CRITICAL, "api", slow_answer(), "look at the slowest queries: mainstay why api.check")
    return replace(
        run,
        id=f"{began:%Y%m%dT%H%M%S}-weekly-e4f1",
        ended=began + timedelta(minutes=22, seconds=31),
        status=Status.FAILED,
        verdict=Verdict.FAIL,
        because="cache.purge: not proven: 4,211 of 18,400 keys are still there",
        settled=False,
        tasks=tasks,
        checks=(check("api.check", "api", found), check("disk.check", "disk", disk_filling())),
        final=final,
        envelope=Envelope(("purge", "vacuum", "renew"), Impact.BLOCKS_WRITES, minutes=30),
        remarks=(
            Remark(began - timedelta(hours=9), "ada", "consented", "weekly", "the notice went out on Friday"),
            Remark(began + timedelta(hours=7), "grace", "signed", "weekly", "watched the morning traffic"),
        ),
    )


def slow_answer() -> Any:
    return because("p95_seconds", Duration(0.412), ">", Duration(0.1), "within").at(Origin("mainstay.yaml", 9))


def disk_filling() -> Finding:
    reason = because("used_share", Share(0.83), ">", Share(0.8), "disk_warning").at(Origin("mainstay.yaml", 31))
    return Finding(Level.WARNING, "/var/lib/postgresql", reason, "it is full in about 19 days")


def facts(week: int, after: bool) -> dict[str, Any]:
    """What the checks see: a database that grows, and shrinks a little when it is vacuumed."""
    size = int((4.1 + 0.21 * week - (0.35 if after else 0)) * GiB)
    return {
        "db.check": {
            "at": "2026-07-19T00:00:00+00:00",
            "database_bytes": size,
            "connections": 12 if after else 14,
            "version": "16.4",
            "tables": [
                {"name": "public.orders", "dead_share": 0.01 if after else 0.31 + week / 400, "rows": 812_000 + 9_000 * week}
            ],
        },
        "api.check": {"p95_seconds": 0.058 if after else 0.074, "status": 200},
        "disk.check": {"mounts": [{"path": "/var/lib/postgresql", "used_share": 0.58 + 0.022 * week - (0.01 if after else 0)}]},
        "logs.check": {"logs_bytes": int((0.12 if after else 1.9 + 0.05 * week) * GiB)},
    }


def step(id: str, action: str, on: tuple[str, ...], reason: Any, **more: Any) -> Step:
    return Step(id, action, on, reason, **more)


def done(one: Step, began: datetime, seconds: float, **more: Any) -> StepRecord:
    status = more.pop("status", Status.CHANGED)
    return StepRecord(one, status, began, began + timedelta(seconds=seconds), **more)


def task(id: str, category: str, steps: tuple[StepRecord, ...], **more: Any) -> TaskRecord:
    target, name = id.split(".")
    kinds = {"db": "postgres", "safe": "backup", "cache": "redis", "logs": "logs", "web": "nginx", "api": "http", "disk": "host"}
    filled = {"status": Status.CHANGED, "task_class": "care", **more}
    if steps:
        filled.setdefault("began", steps[0].began - timedelta(seconds=2) if steps[0].began else None)
        filled.setdefault("ended", steps[-1].ended)
    return TaskRecord(id, target, kinds.get(target, "certificates"), name, category=category, steps=steps, **filled)


def check(id: str, target: str, finding: Finding) -> TaskRecord:
    bad = finding.level >= Level.CRITICAL
    return task(id, "system", (), task_class="check", status=Status.FAILED if bad else Status.OK, findings=(finding,))


def bracket(began: datetime, minutes: float = 13) -> TaskRecord:
    opening = step("on", "maintenance", ("site", "public"), because("routine needs", "downtime"), impact=Impact.DOWNTIME,
                   reverse=Undo("open", when="always"))  # fmt: skip
    closing = step("on~undo", "open", ("site", "public"), because("takes back on", None), impact=Impact.DOWNTIME)
    opened = began + timedelta(seconds=20)
    steps = (
        done(opening, opened, 0.8, status=Status.UNDONE),
        done(closing, opened + timedelta(minutes=minutes), 0.6, undo_of="on"),
    )
    return task("web.maintenance", "infrastructure", steps, task_class="change", bracket=True)


def backup(began: datetime, week: int, slow: float = 1) -> TaskRecord:
    reason = because("newest_copy_age", Duration(7 * 86400), ">=", Duration(6 * 86400), "every").at(Origin("mainstay.yaml", 22))
    copy = step("db", "backup", ("db",), reason, impact=Impact.LOAD, proves=("db",))
    restore = step("prove", "restore_scratch", ("db", "scratch_7f3a"), because("copy is new", None), impact=Impact.LOAD)
    start, took = began + timedelta(seconds=40), (248 + 9 * week) * slow
    steps = (
        done(
            copy,
            start,
            took,
            before={"copies": 6, "repository_bytes": 21 * GiB},
            after={"copies": 7, "repository_bytes": 22 * GiB},
        ),
        done(restore, start + timedelta(seconds=took + 1), 62),
    )
    return task("safe.backup", "data", steps, task_class="backup", forecast=Duration(300 + 7 * week), budget=Duration(720))


def vacuum(began: datetime, week: int) -> TaskRecord:
    share = 0.31 + week / 400
    reason = because("dead_share", Share(share), ">", Share(0.2), "table_bloat_threshold").at(WHERE)
    one = step("orders", "vacuum", ("table", "public", "orders"), reason, impact=Impact.BLOCKS_WRITES, reverse=Neutral())
    start = began + timedelta(minutes=9)
    record = done(
        one,
        start,
        38 + week,
        before={"dead_share": share, "table_bytes": 912_000_000},
        after={"dead_share": 0.01, "table_bytes": 641_000_000},
    )
    measures = (
        Measure("heap app.public.orders", 784e6, 527e6, "B", stored=True),
        Measure("indexes app.public.orders", 128e6, 114e6, "B", stored=True),
        Measure("dead rows app.public.orders", 412_000, 1_200),
    )
    record = replace(record, measures=measures)
    small = because("dead_share", Share(0.03), "<=", Share(0.2), "table_bloat_threshold").at(WHERE)
    few = because("rows", 812, "<", 10_000, "min_rows")
    skips = (*(Skip(("table", "public", name), small) for name in ("customers", "shifts", "sites", "teams", "users")),
             Skip(("table", "public", "settings"), few))  # fmt: skip
    plan = Plan("db.vacuum", began, (one,), skips)
    return task("db.vacuum", "data", (record,), plan=plan, forecast=Duration(44), budget=Duration(300))


def rotate(began: datetime, week: int) -> TaskRecord:
    start = began + timedelta(minutes=13)
    sizes = {"api": 1_310_000_000, "worker": 588_000_000}
    steps = tuple(
        done(_rotation(name, size), start + timedelta(seconds=place * 5), 4.2, before={"size": size}, after={"size": 0})
        for place, (name, size) in enumerate(sizes.items())
    )
    return task("logs.rotate", "system", steps, forecast=Duration(12), budget=Duration(120))


def _rotation(name: str, size: int) -> Step:
    reason = because("size", Size(size), ">", Size(100_000_000), "max_size").at(Origin("mainstay.yaml", 18))
    final = OneWay("the old generation is verified before the live file is emptied")
    return step(name, "rotate", ("log", f"/var/log/scheduler/{name}.log"), reason, reverse=final)


def renew(began: datetime) -> TaskRecord:
    reason = because("days_left", 61, ">", 30, "renew_before_days").at(Origin("mainstay.yaml", 27))
    start = began + timedelta(minutes=13, seconds=30)
    plan = Plan("cert.renew", began, (), (Skip(("certificate", "scheduler.example.org"), reason),))
    return task(
        "cert.renew", "infrastructure", (), status=Status.OK, plan=plan, began=start, ended=start + timedelta(seconds=1.4)
    )


def failed_purge(began: datetime) -> TaskRecord:
    reason = because("stale_keys", 18_400, ">", 5_000, "max_stale_keys").at(Origin("mainstay.yaml", 25))
    save = step("save", "snapshot", ("cache", "schedule:*"), because("purge has no undo of its own", None), impact=Impact.LOAD)
    purge = step(
        "purge", "purge", ("cache", "schedule:*"), reason, impact=Impact.BLOCKS_WRITES, reverse=Undo("load", {"from": "save"})
    )
    back = step("purge~undo", "load", ("cache", "schedule:*"), because("takes back purge", None), impact=Impact.BLOCKS_WRITES)
    start = began + timedelta(minutes=9, seconds=50)
    why = "not proven: 4,211 of 18,400 keys are still there"
    steps = (
        done(save, start, 22, status=Status.CHANGED),
        done(purge, start + timedelta(seconds=23), 130, status=Status.FAILED, because=why, before={"keys": 18_400}),
        done(back, start + timedelta(seconds=154), 48, undo_of="purge"),
    )
    return task(
        "cache.purge", "application", steps, status=Status.FAILED, because=why, forecast=Duration(70), budget=Duration(240)
    )


def deferred() -> TaskRecord:
    why = "p90 8m20s + rollback 5m > 9m left of the slot (mainstay.yaml:40)"
    return task("db.reindex", "data", (), status=Status.DEFERRED, because=why)
