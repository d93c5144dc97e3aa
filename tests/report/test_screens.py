"""What the reading commands print."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rich.cells import cell_len

from mainstay.model.because import Finding, Level, because
from mainstay.model.plan import On, Plan, Step
from mainstay.model.units import Duration, Share
from mainstay.report import screens, standing, terminal
from mainstay.report.compare import flat
from tests.report.sample import NOW, bad, disk_filling, good, weeks
from tests.report.test_formats import same


def test_a_plan_is_told_with_reasons_for_and_against() -> None:
    vacuum = bad().task("db.vacuum").plan
    renew = good(3).task("cert.renew").plan
    assert vacuum
    assert renew
    told = screens.plan(
        "weekly", [screens.Forecast(vacuum, Duration(44), Duration(300)), screens.Forecast(renew, Duration(2))], NOW
    )
    same("plan.txt", terminal.write(told))


def test_the_state_of_the_targets_has_the_worst_first() -> None:
    fine = Finding(Level.OK, "db", because("dead_share", Share(0.02), "<=", Share(0.2), "table_bloat_threshold"))
    looks = [
        standing.Look("db", "postgres", (fine,), NOW - timedelta(minutes=4)),
        standing.Look("disk", "host", (disk_filling(), fine), NOW - timedelta(hours=2)),
        standing.Look("api", "http", (), NOW, "connection refused"),
        standing.Look("cache", "redis"),
    ]
    same("status.txt", terminal.write(standing.status("scheduler", looks, NOW)))


def test_runs_are_listed_newest_first_within_eighty_columns() -> None:
    text = terminal.write(screens.runs([*weeks(), bad()], NOW))
    assert "fail" in text.splitlines()[4]
    assert max(cell_len(line) for line in text.splitlines()) <= 80


def test_why_names_the_facts_and_the_limit() -> None:
    plan = bad().task("db.vacuum").plan
    assert plan
    text = terminal.write(
        screens.why("db.vacuum", {"tables": [{"name": "public.orders", "dead_share": 0.34}]}, plan, "orders"), 100
    )
    assert "dead_share 33.8 % > table_bloat_threshold 20 % (mainstay.yaml:14)" in text
    assert "tables.public.orders.dead_share" in text
    assert "settings" not in text


@pytest.mark.parametrize(
    ("item", "found"),
    [
        ("orders", True),
        ("public.orders", True),
        ("app.public.orders", True),
        ('public."orders"', True),
        ("table app public orders", True),
        ("public.order", False),
        ('"Sales.EU"."Order ""x"""', False),
    ],
)
def test_an_item_is_found_under_each_of_its_names(item: str, found: bool) -> None:
    assert _found(("table", "app", "public", "orders"), item) is found


def test_an_item_with_quotes_and_capitals_is_found_as_sql_writes_it() -> None:
    assert _found(("table", "app", "Sales.EU", 'Order "x"'), '"Sales.EU"."Order ""x"""')
    assert _found(("table", "app", "public", "Orders"), 'public."Orders"')


def test_tables_of_one_name_in_two_schemas_are_two_facts() -> None:
    tables = [{"database": "app", "schema": schema, "name": "orders", "dead": dead} for schema, dead in (("a", 1), ("b", 2))]
    assert flat({"tables": tables})["tables.app.b.orders.dead"] == 2
    assert flat({"tables": tables})["tables.app.a.orders.dead"] == 1


def _found(on: On, item: str) -> bool:
    step = Step("one", "vacuum", on, because("dead", 9))
    told = screens.why("db.vacuum", {}, Plan("db.vacuum", NOW, (step,)), item)
    return told.badge.text == "1 step"


def test_findings_have_their_advice() -> None:
    assert "→ it is full in about 19 days" in terminal.write(screens.findings("disk", [disk_filling()]))


def test_an_empty_site_is_told_too() -> None:
    assert "No target is configured." in terminal.write(standing.status("new", [], NOW))
    assert "Nothing to do." in terminal.write(screens.plan("weekly", [screens.Forecast(plan) for plan in _empty()], NOW))


def _empty() -> list[Plan]:
    return [Plan("db.vacuum", NOW)]
