"""Who is at work, and what the shell's count of log lines makes of nobody."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.postgres.sessions.activity import ActivityParams
from mainstay.model.because import Finding, Level
from mainstay.model.units import Duration
from tests.kinds.postgres.conftest import Database, Sessions

TASK = registry.load("postgres").task("activity")
SHELL = """
requests=$(printf '' | grep -c 'GET\\|POST' || echo 0)
if [ "$requests" -lt 10 ]; then echo LOW; else echo HIGH; fi
"""


def judged(session: Session, params: ActivityParams) -> list[Finding]:
    return TASK.assess(TASK.observe(session), params)


@pytest.mark.covers("PRE-05")
def test_nobody_at_work_is_a_quiet_moment_which_the_shell_calls_busy(session: Sessions) -> None:
    assert subprocess.run(["sh", "-c", SHELL], capture_output=True, text=True).stdout == "HIGH\n"
    with session() as opened:
        (finding,) = judged(opened, ActivityParams())
    assert (finding.level, finding.advice) == (Level.OK, "low")
    assert str(finding.because) == "sessions at work 0 < quiet_below 10 (default)"


@pytest.mark.covers("PRE-05")
def test_sessions_at_work_are_counted_and_those_of_monitoring_are_not(database: Database, session: Sessions) -> None:
    with ExitStack() as stack:
        for name in ("shop", "shop", "till", "postgres_exporter", "Zabbix agent", "mainstay 123 other"):
            stack.enter_context(database.connect()).execute(f"SET application_name = '{name}'".encode())
        opened = stack.enter_context(session())
        (busy,) = judged(opened, ActivityParams(quiet_below=3))
        (quiet,) = judged(opened, ActivityParams(quiet_below=4))
    assert busy.level is Level.WARNING
    assert str(busy.because).startswith("sessions at work 3 >= quiet_below 3")
    assert "choose another time; most of them: 2 of postgres (shop) from 127.0.0.1" in busy.advice
    assert quiet.level is Level.OK


def test_a_session_that_has_been_idle_for_long_is_nobody_at_work(database: Database, session: Sessions) -> None:
    with database.connect() as idle, session() as opened:
        idle.execute("SELECT 1")
        time.sleep(2.6)
        facts = TASK.observe(opened)
        recent, old = (TASK.assess(facts, ActivityParams(within=Duration(within), quiet_below=1))[0] for within in (60.0, 1.0))
    assert recent.level is Level.WARNING
    assert old.level is Level.OK


def test_a_role_that_cannot_see_others_says_so(database: Database, session: Sessions) -> None:
    database.sql("CREATE ROLE blind LOGIN")
    try:
        with database.connect(), session(dsn=database.server.dsn(database.name, "blind")) as opened:
            seen, hidden = judged(opened, ActivityParams())
    finally:
        database.sql("DROP ROLE blind")
    assert seen.level is Level.OK
    assert 'GRANT pg_monitor TO "blind"' in hidden.advice
