"""Runs that are parked, killed, cancelled, hung up on, and in each other's way."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.built(tmp_path / "shop")


def begun(shop: Shop, *words: str, **more: Any) -> subprocess.Popen[str]:
    """Start a run and wait until its slow step is under way."""
    process = shop.start("run", *words, **more)
    until = time.monotonic() + 60
    while not (shop.folder / "begun").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    return process


def statuses(shop: Shop, run: str = "last") -> dict[str, str]:
    return {task["id"]: task["status"] for task in shop.json("show", run)["run"]["tasks"]}


def test_a_run_is_parked_then_signed_then_finished(shop: Shop) -> None:
    asked = shop.run("run", "launch")
    assert "Is the new menu live on the phone?" in asked
    [parked] = shop.json("status")["open_runs"]
    assert parked["next"] == f"mainstay sign {parked['run']} menu.sign --remark TEXT"
    shop.run("resume", "last", code=3)
    shop.run("sign", "last", "menu.sign", "--name", "Ada", "--remark", "seen on the phone")
    record = shop.last()
    assert (record["verdict"], record["settled"]) == ("pass", True)
    assert [(one["by"], one["text"]) for one in record["remarks"] if one["act"] == "signed"] == [("Ada", "seen on the phone")]
    shop.run("sign", "last", "menu.sign", code=3)


def test_a_declined_item_fails_the_run(shop: Shop) -> None:
    shop.run("run", "launch")
    shop.run("sign", "last", "menu.sign", "--decline", "--no-resume")
    shop.run("resume", "last", code=1)
    assert statuses(shop)["menu.sign"] == "failed"


def test_a_killed_run_is_named_by_status_and_repaired_by_resume(shop: Shop) -> None:
    with begun(shop, "move") as process:
        process.kill()
    [owed] = shop.json("status")["open_runs"]
    assert not owed["alive"]
    assert owed["next"] == f"mainstay resume {owed['run']}"
    assert "is not settled" in shop.run("run", "mark.run", code=3)
    shop.run("resume", "last", code=1)  # the step that was interrupted is taken back: that run has failed, and says so
    assert statuses(shop, owed["run"]) == {"mark.run": "changed", "slow.run": "failed"}
    assert shop.json("status")["open_runs"] == []
    shop.run("ledger", "verify")


def test_a_run_is_cancelled_from_another_process(shop: Shop) -> None:
    with begun(shop, "move") as process:
        shop.run("cancel", "last", "--remark", "the office is open")
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "cancelled" in output
    assert statuses(shop) == {"mark.run": "changed", "slow.run": "cancelled"}


def test_of_two_runs_on_one_target_the_second_is_put_off(shop: Shop) -> None:
    with begun(shop, "move") as process:
        told = shop.run("run", "slow.run")
        assert "deferred" in told
        assert "another run is at work here" in told
        process.kill()
    shop.run("settle", code=1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_cleanly_and_takes_the_step_back(shop: Shop, number: signal.Signals) -> None:
    with begun(shop, "move") as process:
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "press again to leave it to `mainstay resume`" in errors
    record = shop.last()
    assert record["status"] == "cancelled"
    assert record["settled"]


def test_the_second_signal_leaves_at_once_and_resume_repairs(shop: Shop) -> None:
    configuration = shop.folder / "mainstay.yaml"
    stubborn = f"trap '' TERM; touch {shop.folder}/begun; sleep 60; sleep 60"
    configuration.write_text(configuration.read_text().replace(f"touch {shop.folder}/begun; exec sleep 60", stubborn))
    with begun(shop, "move") as process:
        process.send_signal(signal.SIGINT)
        assert process.stderr
        while "press again" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
    assert process.returncode == -signal.SIGINT
    shop.run("resume", "last", code=1)
    assert shop.json("status")["open_runs"] == []


def test_a_closed_terminal_does_not_end_a_run(shop: Shop) -> None:
    configuration = shop.folder / "mainstay.yaml"
    configuration.write_text(configuration.read_text().replace("exec sleep 60", "sleep 2"))
    leader, follower = pty.openpty()
    with begun(shop, "move", stdin=follower, stdout=follower, stderr=follower, start_new_session=True) as process:
        os.close(follower)
        process.send_signal(signal.SIGHUP)
        os.close(leader)
        assert process.wait(timeout=60) == 0
    assert shop.last()["verdict"] == "pass"


def test_a_closed_pipe_does_not_end_a_run(shop: Shop) -> None:
    gone, end = os.pipe()
    os.close(gone)
    with shop.start("run", "daily", stdout=end) as process:
        os.close(end)
        process.wait(timeout=60)
    assert shop.last()["verdict"] == "pass"


def test_a_rollback_takes_back_what_a_parked_run_did(shop: Shop) -> None:
    shop.run("run", "launch")
    assert (shop.folder / "mark").exists()
    shop.run("rollback", "last")
    assert not (shop.folder / "mark").exists()


def test_a_person_settles_what_nobody_else_can_know(shop: Shop) -> None:
    configuration = shop.folder / "mainstay.yaml"
    configuration.write_text(configuration.read_text().replace("on_unknown: undo", "on_unknown: ask"))
    with begun(shop, "move") as process:
        process.kill()
    told = shop.run("resume", "last", code=1)
    [owed] = shop.json("status")["open_runs"]
    assert owed["next"].endswith("--happened | --did-not-happen")
    assert owed["next"] in " ".join(told.split())
    shop.run("settle", "last", "--happened", "--name", "Ada", "--remark", "looked by hand")
    assert statuses(shop)["slow.run"] == "changed"
    assert shop.json("status")["open_runs"] == []
