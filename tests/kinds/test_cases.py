"""Case files are data: facts and parameters in, steps, skips and findings out.

A file `tests/kinds/KIND/cases/TASK.yaml` holds a list of cases: `case` (a sentence), `facts` and `params` in their JSON form,
and any of `steps`, `skips`, `findings`. Each expected item names the fields that matter; `because` is its printed form.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from mainstay.kinds import registry
from mainstay.model.codec import decode, encode
from mainstay.model.plan import Skip, Step

FILES = sorted(Path(__file__).parent.glob("*/cases/*.yaml"))


def _cases() -> list[Any]:
    found = []
    for path in FILES:
        for case in YAML(typ="safe").load(path.read_text(encoding="utf-8")):
            found.append(pytest.param(path, case, id=f"{path.parent.parent.name}.{path.stem}: {case['case']}"))
    return found


def _seen(item: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    shown = {**encode(item), "because": str(item.because)}
    return {name: shown.get(name) for name in wanted}


@pytest.mark.parametrize(("path", "case"), _cases())
def test_a_case(path: Path, case: dict[str, Any]) -> None:
    task = registry.load(path.parent.parent.name).task(path.stem)
    facts: Any = decode(task.facts, case["facts"])
    params: Any = decode(task.params, case.get("params", {}))
    planned = task.plan(facts, params, "run-1.task")
    results: dict[str, Sequence[Any]] = {
        "steps": [item for item in planned if isinstance(item, Step)],
        "skips": [item for item in planned if isinstance(item, Skip)],
        "findings": task.assess(facts, params),
    }
    assert case.keys() & results.keys(), "a case that expects nothing proves nothing"
    for name in case.keys() & results.keys():
        wanted = case[name]
        assert len(results[name]) == len(wanted), [str(item.because) for item in results[name]]
        assert [_seen(item, one) for item, one in zip(results[name], wanted, strict=True)] == wanted
