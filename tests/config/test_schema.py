from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from mainstay import config
from mainstay.kinds import registry


def target(kinds: config.Kinds, name: str) -> Any:
    """Return what the schema says of a target of a kind."""
    alternatives = config.schema(kinds)["properties"]["targets"]["additionalProperties"]["allOf"]
    return next(one["then"] for one in alternatives if one["if"]["properties"]["kind"]["const"] == name)


def test_the_schema_is_json_and_names_no_kind_of_a_later_version(kinds: config.Kinds) -> None:
    text = json.dumps(config.schema(kinds))
    assert config.schema(kinds)["required"] == ["site", "timezone"]
    assert "redis" not in text


def test_a_target_has_the_settings_of_its_kind_and_no_others(kinds: config.Kinds) -> None:
    store = target(kinds, "store")
    assert store["additionalProperties"] is False
    assert store["required"] == ["path", "kind"]
    assert store["properties"]["mode"] == {"enum": ["wal", "rollback"], "description": "journal", "default": "wal"}
    assert store["properties"]["path"]["examples"] == ["/srv/app.db"]
    assert store["properties"]["password"]["anyOf"] == [{"$ref": "#/$defs/secret"}, {"type": "null"}]
    assert set(target(kinds, "web")["properties"]) == {"kind", "privilege", "runs_in"}


def test_bounds_and_units_are_told(kinds: config.Kinds) -> None:
    expect = target(kinds, "store")["properties"]["expect"]["properties"]
    assert (expect["status"]["minimum"], expect["status"]["maximum"]) == (100, 599)
    number, text = expect["within"]["anyOf"]
    assert number == {"type": "number", "minimum": 0, "maximum": 60}
    assert re.match(text["pattern"], "1h 30m")
    assert not re.match(text["pattern"], "10x")


def test_a_task_entry_is_a_known_name_with_the_parameters_of_its_kind(kinds: config.Kinds) -> None:
    name, table = config.schema(kinds)["$defs"]["task"]["anyOf"]
    assert re.match(name["pattern"], "app.vacuum")
    assert not re.match(name["pattern"], "app.vacum")
    vacuum = table["patternProperties"][r"^[^.]+\.vacuum$"]["anyOf"][1]["properties"]
    assert set(vacuum) == {"free_share", "stall", "budget", "needs", "category", "level", "on_stop"}
    assert vacuum["free_share"]["default"] == "20%"


def test_every_kind_there_is_has_a_schema_and_a_reference() -> None:
    assert json.dumps(config.schema(registry))
    assert all(f"## Kind `{name}`" in config.reference(registry) for name in registry.names())


def test_the_reference_has_a_row_for_each_setting(kinds: config.Kinds) -> None:
    page = config.reference(kinds)
    assert "| `path` | absolute path | required | Where it is. Example: `/srv/app.db`. |" in page
    assert "| `expect.within` | duration, ≤ 1m | `1s` | Slowest answer. |" in page
    assert "| `tries` | whole number or text | `3` | Number, or forever. |" in page
    assert "| `free_share` | share, ≥ 1 % | `20%` | Vacuum above this share of free pages. |" in page
    assert "### Task `pause`\n\nDoes its part. Class care; impact at most blocks writes." in page


def test_the_reference_page_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"
    assert page.read_text(encoding="utf-8") == config.reference(registry), "run tools/reference.py"
