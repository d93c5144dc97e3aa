"""What every kind's deciding functions obey, over all case files: they are pure, they explain themselves, they are data."""

from __future__ import annotations

import json
import random
import typing
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.kinds.kind import TaskKind
from mainstay.model.because import Because
from mainstay.model.codec import decode, encode
from mainstay.model.errors import MainstayError
from mainstay.model.plan import OneWay, Plan, Skip, Step, Undo
from tests.laws import purity
from tests.laws.every import CASES, TASKS, Case
from tests.laws.scene import RUN

OTHER = "run-2.other"
every_case = pytest.mark.parametrize("case", CASES)


def planned(case: Case, name: str = RUN) -> list[Step | Skip]:
    return case.task.plan(case.facts, case.params, name)


def steps_of(case: Case) -> list[Step]:
    return [item for item in planned(case) if isinstance(item, Step)]


@pytest.mark.parametrize(("kind", "task"), TASKS)
def test_a_decision_reaches_no_clock_file_or_process(kind: Any, task: TaskKind[Any, Any]) -> None:
    for name in ("plan", "assess", "verify", "highest_impact", "locks"):
        assert purity.reached(getattr(type(task), name), type(task)) == []


@every_case
def test_a_decision_asked_twice_is_the_same_and_touches_nothing(case: Case) -> None:
    before, first = encode(case.facts), (planned(case), case.task.assess(case.facts, case.params))  # lazy imports happen here
    proofs = [_verified(case, step) for step in steps_of(case)]
    with purity.sealed():
        assert (planned(case), case.task.assess(case.facts, case.params)) == first
        assert [_verified(case, step) for step in steps_of(case)] == proofs
    assert encode(case.facts) == before


@every_case
def test_facts_parameters_and_plan_survive_json(case: Case) -> None:
    items = planned(case)
    steps, skips = [i for i in items if isinstance(i, Step)], [i for i in items if isinstance(i, Skip)]
    plan = Plan("a.task", datetime(2026, 11, 21, tzinfo=UTC), tuple(steps), tuple(skips))
    for kind, value in ((case.task.facts, case.facts), (case.task.params, case.params), (Plan, plan)):
        assert decode(kind, json.loads(json.dumps(encode(value), allow_nan=False))) == value
    assert [json.loads(json.dumps(step.args)) for step in steps] == [step.args for step in steps]


@every_case
def test_steps_have_their_own_ids_and_need_earlier_ones_only(case: Case) -> None:
    earlier: set[str] = set()
    for step in steps_of(case):
        assert step.id not in earlier
        assert set(step.needs) <= earlier
        earlier.add(step.id)


@every_case
def test_every_act_and_its_undo_is_an_action_of_the_task(case: Case) -> None:
    for step in steps_of(case):
        assert not case.task.waits, "a task that waits for a person does nothing itself"
        assert step.action in case.task.actions
        assert not isinstance(step.reverse, Undo) or step.reverse.action in case.task.actions
        assert step.is_bracket == case.task.bracket
        assert not isinstance(step.reverse, OneWay) or step.reverse.one_way


@every_case
def test_no_step_is_harder_than_its_task_admits(case: Case) -> None:
    limits = _settings_in(case)
    highest = case.task.highest_impact(limits, case.params) if limits is not None else case.task.impact
    assert all(step.impact <= highest <= case.task.impact for step in steps_of(case))
    assert all(step.deadline > 0 for step in steps_of(case))


@every_case
def test_every_decision_says_because_of_what_and_names_a_real_limit(case: Case) -> None:
    reasons = [item.because for item in (*planned(case), *case.task.assess(case.facts, case.params))]
    for reason in reasons:
        assert isinstance(reason, Because)
        assert str(reason).strip()
        assert not reason.param or any(_has(kind, reason.param) for kind in (case.task.params, case.kind.settings)), reason.param


@every_case
def test_the_name_of_the_run_changes_the_names_of_what_is_created_and_nothing_else(case: Case) -> None:
    """So whatever is created carries it, or a digest of it, and two runs never meet."""
    ours, others = encode(planned(case)), encode(planned(case, OTHER))
    for one, other in zip(ours, others, strict=True):
        assert {key for key in one if one[key] != other[key]} <= {"args", "on", "reverse", "holds"}
        assert RUN not in json.dumps(other)
        assert RUN not in json.dumps(one) or OTHER in json.dumps(other)


@every_case
def test_what_is_held_is_never_taken(case: Case) -> None:
    """Each object that a one-way step or one with a trash would take is left, with a reason, once everything is held."""
    taken = [step for step in steps_of(case) if isinstance(step.reverse, OneWay) or step.holds]
    names = {text for step in taken for text in _texts([step.args, step.on])}
    folders = [text for text in _texts(encode(case.facts)) if text.startswith("/")]
    held = _hold(encode(case.facts), sorted({*names, *(f"{folder}/{name}" for folder in folders for name in names)}))
    if not taken or held == encode(case.facts):
        return
    left = case.task.plan(decode(case.task.facts, held), case.params, RUN)
    assert [item.on for item in left if isinstance(item, Step) and (isinstance(item.reverse, OneWay) or item.holds)] == []
    assert any("held" in str(item.because) for item in left if isinstance(item, Skip))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
@every_case
def test_a_decision_about_other_numbers_still_obeys(case: Case, seed: int) -> None:
    """Numbers grow and shrink, and what was true is false: a plan is made all the same, and it is sound."""
    facts = _varied(encode(case.facts), random.Random(seed))
    try:
        other = replace(case, facts=decode(case.task.facts, facts))
        items = planned(other)
    except (MainstayError, ValueError):
        return  # facts that the kind itself refuses
    assert items == planned(other)
    assert all(str(item.because).strip() for item in (*items, *case.task.assess(other.facts, other.params)))
    assert len({step.id for step in steps_of(other)}) == len(steps_of(other))


def _verified(case: Case, step: Step) -> str | None:
    try:
        return case.task.verify(case.facts, case.facts, step)
    except IndexError:
        return "the facts of a case hold more than one look at the step's object would"


def _has(kind: Any, path: str) -> bool:
    """Say whether a dataclass has a field of that name, `a.b` for a field of a field, `a.KEY.b` where `a` is a table."""
    first, _, rest = path.partition(".")
    hints = typing.get_type_hints(kind)
    if rest and typing.get_origin(hints.get(first)) is dict:
        return _has(typing.get_args(hints[first])[1], rest.partition(".")[2])
    inner = [hints[first], *typing.get_args(hints[first])] if first in hints else []
    return bool(inner) if not rest else any(_has(one, rest) for one in inner if is_dataclass(one))


def _settings_in(case: Case) -> Any:
    """Return the settings that the facts hold, where they do."""
    values = [getattr(case.facts, field.name) for field in fields(case.facts)]
    return next((value for value in values if isinstance(value, case.kind.settings)), None)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list | tuple):
        return [text for one in value for text in _texts(one)]
    return [value] if isinstance(value, str) else []


def _hold(value: Any, names: list[str]) -> Any:
    """Return facts in which all of these names are held as well."""
    if isinstance(value, list):
        return [_hold(one, names) for one in value]
    if not isinstance(value, dict):
        return value
    others = {key: _hold(one, names) for key, one in value.items() if key != "held"}
    return (
        {**others, "held": True if isinstance(value["held"], bool) else sorted({*value["held"], *names})}
        if "held" in value
        else others
    )


def _varied(value: Any, dice: random.Random) -> Any:
    if isinstance(value, dict):
        return {key: _varied(one, dice) for key, one in value.items()}
    if isinstance(value, list):
        return [_varied(one, dice) for one in value]
    if isinstance(value, bool):
        return value != (dice.random() < 0.2)
    if isinstance(value, int | float) and dice.random() < 0.3:
        return type(value)(value * dice.choice((0.5, 2, 1000)))
    return value
