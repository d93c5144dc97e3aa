"""The JSON of every reading command: it parses, names its schema, and has the keys that docs/reference/cli-json.md lists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.shop import Shop
from tests.cli.test_every_command import LEAVES

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli-json.md"
CALLS = {
    "status": "status",
    "check": "check db",
    "why": "why logs.rotate",
    "plan": "plan daily",
    "runs": "runs",
    "record": "show last",
    "config": "check-config --explain",
    "doctor": "doctor",
    "version": "version",
    "backups": "backup list",
    "points": "restore db --list",
    "rehearsal": "rehearse db.optimize --last",
    "logs": "logs report",
    "windows": "windows",
    "blackouts": "blackout list",
    "ready": "ready daily",
    "trends": "trends db",
    "notices": "notify list",
    "checklists": "checklist list",
    "checklist": "checklist show opening",
    "emergencies": "emergency list",
    "emergency": "emergency show",
    "fixes": "emergency fixes",
    "situation": "emergency check",
    "modes": "mode status",
    "ledger": "ledger verify",
    "head": "ledger head",
    "access": "ledger access",
}


def documented() -> dict[str, set[str]]:
    """Read the page: a heading names each schema, a table its keys."""
    parts = re.split(r"^## `mainstay\.(\w+)/1`", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {
        name: set(re.findall(r"^\| `(\w+)`", text, flags=re.MULTILINE))
        for name, text in zip(parts[::2], parts[1::2], strict=True)
    }


def test_every_schema_is_documented_and_called_here() -> None:
    assert set(documented()) == set(CALLS)


@pytest.mark.parametrize("schema", CALLS)
def test_the_json_has_the_documented_keys(schema: str, kept: Shop) -> None:
    found = kept.json(*CALLS[schema].split())
    assert found.pop("schema") == f"mainstay.{schema}/1"
    assert set(found) == documented()[schema]


def test_every_command_with_json_is_called_here() -> None:
    with_json = {name for name, command in LEAVES.items() if "as_json" in {param.name for param in command.params}}
    assert with_json == {name for name in LEAVES for call in CALLS.values() if f"{call} ".startswith(f"{name} ")}
