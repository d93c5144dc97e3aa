"""Exit codes, errors, consent and choice: what a person or a monitoring system gets as an answer."""

from __future__ import annotations

import os
import pty
import sqlite3
from pathlib import Path

import pytest

from tests.cli.shop import Shop


@pytest.mark.covers("AUT-06")
def test_check_exits_as_monitoring_plugins_do(shop: Shop) -> None:
    shop.run("check", "db", "mark")
    assert "backups: 0" in shop.run("check", code=2)
    (shop.folder / "shop.db").rename(shop.folder / "gone.db")
    shop.run("check", "db", code=3)


def test_every_mistake_is_told_with_file_and_line(shop: Shop) -> None:
    configuration = shop.folder / "mainstay.yaml"
    text = configuration.read_text().replace("Europe/Berlin", "Europe/Berln").replace("kind: sqlite", "kind: sqlte")
    configuration.write_text(text)
    told = shop.run("check-config", code=2)
    assert "mainstay.yaml:2: timezone" in told
    assert "mainstay.yaml:5: targets.db.kind" in told
    assert "did you mean sqlite?" in told


def test_a_wrong_word_names_what_is_known(shop: Shop) -> None:
    assert "did you mean daily?" in shop.run("run", "daly", code=2)
    assert "known: db, final, logs" in shop.run("check", "cellar", code=2)
    assert "No such command" in shop.run("frobnicate", code=2)
    assert "mainstay runs" in shop.run("show", "nosuch", code=3)


def test_without_a_configuration_the_next_step_is_named(tmp_path: Path) -> None:
    assert "next: mainstay init" in Shop(tmp_path).run("status", code=2)


def test_what_cannot_be_taken_back_needs_consent(shop: Shop) -> None:
    final = shop.folder / "mainstay.yaml"
    final.write_text(final.read_text() + "  # final.run has no undo\n")
    refused = shop.run("run", "final.run", code=3)
    assert "This needs consent" in refused
    assert "pass --yes" in refused
    shop.run("run", "final.run", "--yes")
    assert next(remark["act"] for remark in shop.last()["remarks"]) == "consented"


def test_at_a_terminal_consent_is_asked_for(shop: Shop) -> None:
    leader, follower = pty.openpty()
    with shop.start("run", "final.run", stdin=follower, stdout=follower, stderr=follower, start_new_session=True) as process:
        os.close(follower)
        os.write(leader, b"n\n")
        process.wait(timeout=60)
    os.close(leader)
    assert process.returncode == 3
    assert shop.json("runs")["runs"] == []


@pytest.mark.covers("AUT-03")
def test_a_routine_can_be_narrowed(shop: Shop) -> None:
    shop.run("run", "daily", "--skip", "safe.prove", "--from", "safe.prove")
    assert [task["id"] for task in shop.last()["tasks"]] == ["logs.rotate"]
    daily = next(one for one in shop.json("status")["routines"] if one["routine"] == "daily")
    assert daily["run"] == ""  # a part of a routine does not count as the routine
    assert "has no task" in shop.run("run", "daily", "--only", "db.vacuum", code=2)


@pytest.mark.covers("AUT-03")
def test_the_old_options_run_the_routine_and_write_its_report(shop: Shop) -> None:
    shop.run("compat", "--daily", "--output", "report.txt")
    assert shop.last()["routine"] == "daily"
    assert (shop.folder / "report.txt").read_text().startswith("daily  PASS")
    shop.run("compat", "log-rotation")
    assert shop.last()["routine"] == "logs.rotate"
    assert "docker-cleanup" in shop.run("compat", "docker-cleanup", code=2)


@pytest.mark.covers("AUT-02")
def test_status_tells_a_routine_that_is_overdue(shop: Shop) -> None:
    before = {one["routine"]: one for one in shop.json("status")["routines"]}
    assert before["nightly"]["overdue"]
    shop.run("run", "nightly")
    after = {one["routine"]: one for one in shop.json("status")["routines"]}
    assert not after["nightly"]["overdue"]
    assert after["nightly"]["next"] > after["nightly"]["began"]


def test_outside_its_window_a_scheduled_run_is_refused_and_remembered(shop: Shop) -> None:
    assert "outside its window" in shop.run("run", "nightly", "--scheduled", code=3)
    assert shop.json("runs")["runs"][0]["status"] == "refused"


@pytest.mark.covers("DIA-02")
def test_doctor_finds_open_modes_and_a_changed_journal(shop: Shop) -> None:
    shop.run("check", "db")
    shop.run("run", "mark.run")
    shop.run("doctor")
    (shop.folder / "state").chmod(0o755)
    (shop.folder / "mainstay.yaml").chmod(0o666)
    told = shop.run("doctor", code=1)
    assert "mode: 0755" in told
    assert "mode: 0666" in told
    journal = sqlite3.connect(shop.folder / "state" / "journal.db")
    journal.executescript("DROP TRIGGER event_keep_row; UPDATE event SET at = '2020-01-01T00:00:00+00:00' WHERE seq = 2")
    journal.close()
    assert "the journal was changed" in shop.run("doctor", code=1)
    assert "event 2" in shop.run("ledger", "verify", code=1)


def test_a_restore_goes_to_a_new_place_only(shop: Shop) -> None:
    shop.run("backup", "now")
    shop.run("backup", "prove")
    shop.run("restore", "db", "--into", "copy.db")
    assert sqlite3.connect(shop.folder / "copy.db").execute("SELECT count(*) FROM orders").fetchone() == (100,)
    assert "a restore never writes over anything" in shop.run("restore", "db", "--into", "shop.db", code=1)


@pytest.mark.parametrize("format", ["text", "markdown", "json", "html"])
def test_a_report_is_written_in_every_format(format: str, kept: Shop) -> None:
    kept.run("report", "daily", "--format", format, "--output", f"report.{format}")
    assert "safe.backup" in (kept.folder / f"report.{format}").read_text()
    assert "at,who,run" in kept.run("report", "--weekly", "--changes", "--format", "csv")
    assert "use --changes" in kept.run("report", "daily", "--format", "csv", code=2)


def test_a_category_leaves_the_others_out(kept: Shop) -> None:
    assert {one["target"] for one in kept.json("status", "--category", "data")["targets"]} == {"db", "safe"}
    assert "safe.backup" not in kept.run("report", "--daily", "--category", "system")
    assert "known: system, application" in kept.run("status", "--category", "beauty", code=2)
