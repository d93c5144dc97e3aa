"""Case files are data: facts and parameters in, steps, skips and findings out.

A file `tests/kinds/KIND/cases/TASK.yaml` (for a kind from outside `cases/TASK.yaml` beside its source) holds a list of cases:
`case` (a sentence), `facts` and `params` in their JSON form, and any of `steps`, `skips`, `findings`. Each expected item names
the fields that matter; `because` is its printed form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mainstay.model.codec import encode
from mainstay.model.plan import Skip, Step
from tests.laws.every import CASES, Case


def _seen(item: Any, wanted: dict[str, Any]) -> dict[str, Any]:
    shown = {**encode(item), "because": str(item.because)}
    return {name: shown.get(name) for name in wanted}


@pytest.mark.parametrize("case", CASES)
def test_a_case(case: Case) -> None:
    planned = case.task.plan(case.facts, case.params, "run-1.task")
    results: dict[str, Sequence[Any]] = {
        "steps": [item for item in planned if isinstance(item, Step)],
        "skips": [item for item in planned if isinstance(item, Skip)],
        "findings": case.task.assess(case.facts, case.params),
    }
    assert case.wanted.keys() & results.keys(), "a case that expects nothing proves nothing"
    for name in case.wanted.keys() & results.keys():
        wanted = case.wanted[name]
        assert len(results[name]) == len(wanted), [str(item.because) for item in results[name]]
        assert [_seen(item, one) for item, one in zip(results[name], wanted, strict=True)] == wanted
