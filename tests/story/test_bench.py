"""The benchmarks tell what they measure, in lines for people and in JSON for machines."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHOWN = ROOT / "benchmarks" / "out" / "show-heart.json"
PROMISES = {"mistakes", "container", "outside", "speed", "races", "disk", "rotation", "demo"}
CRASHES = {"crash_rotation", "crash_twice", "crash_writes", "crash_calls"}


def show(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.show", *argv]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_every_promise_is_listed_with_its_minutes() -> None:
    done = show("heart", "--list")
    assert {line.split()[0] for line in done.stdout.splitlines()} == PROMISES | CRASHES
    assert all(line.split()[2] == "min" and len(line.split()) > 8 for line in done.stdout.splitlines())


def test_a_promise_that_is_kept_is_printed_and_written_with_its_figure() -> None:
    done = show("heart", "--only", "mistakes")
    assert done.returncode == 0, done.stdout + done.stderr
    (goal,) = json.loads(SHOWN.read_text(encoding="utf-8"))["goals"]
    assert {name: type(value) for name, value in goal.items()} == {
        "name": str, "goal": str, "measured": str, "ok": bool, "not_run": bool
    }  # fmt: skip
    assert done.stdout.startswith(f"ok      {goal['name']}: goal {goal['goal']}; measured {goal['measured']}\n")


def test_an_unknown_promise_is_refused_with_the_names_there_are() -> None:
    done = show("heart", "--only", "mistake")
    assert done.returncode == 2
    assert "mistakes, container" in done.stderr
