"""Before and after: facts flattened to dotted names, compared, and judged against how they changed in earlier runs."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeGuard

from mainstay.model.because import Scalar, Unit
from mainstay.model.figure import measures
from mainstay.model.plan import shown as shown_on
from mainstay.model.run import RunRecord, StepRecord
from mainstay.report.quantity import change_of, signed, unit_of

FACTS = 2000  # of one observation; what is beyond that is not for people
ENOUGH = 5  # earlier runs, before their spread says anything
SCORE = 3.5  # scaled absolute deviations from the median: Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993)
_WITHIN = ("database", "schema")
_NAMES = ("name", "id", "path", "table", "target")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")

Key = tuple[str, str]
History = Mapping[Key, Sequence[float]]


@dataclass(frozen=True)
class Delta:
    """One fact before and after. `change` and `share` (the change relative to `before`) are None for what is not a number.

    `usual` is the median change of earlier runs, None where there are too few to tell.
    """

    of: str
    fact: str
    before: Scalar
    after: Scalar
    unit: Unit = ""
    change: float | None = None
    share: float | None = None
    usual: float | None = None
    outlier: bool = False
    why: str = ""


def flat(facts: Any) -> dict[str, Scalar]:
    """Turn nested facts into `tables.orders.dead_share: 0.34`; items of a list go by their name, points in time are left out."""
    return dict(islice(_leaves("", facts), FACTS))


def of_checks(run: RunRecord) -> list[Delta]:
    """Compare what every check saw before the run with what it saw after: the figures where it has any, else all facts."""
    both = [task for task in run.baseline if task in run.final]
    return [delta for task in both for delta in (_figures(task, run) or _deltas(task, run.baseline[task], run.final[task]))]


def of_steps(run: RunRecord) -> list[Delta]:
    """Compare what every finished step left with what it found: its figures where it has any, else all facts."""
    return [delta for task in run.tasks for record in task.steps for delta in _of_step(task.id, record)]


def named(task: str, record: StepRecord) -> str:
    """Name what a step worked on, the same in every run."""
    return f"{task} {shown_on(record.step.on)}".strip()


def history(runs: Iterable[RunRecord]) -> dict[Key, list[float]]:
    """Collect how each fact changed in earlier runs."""
    found: dict[Key, list[float]] = {}
    for run in runs:
        for delta in [*of_checks(run), *of_steps(run)]:
            if delta.change is not None:
                found.setdefault((delta.of, delta.fact), []).append(delta.change)
    return found


def judged(delta: Delta, past: Sequence[float], meant: bool) -> Delta:
    """Tell whether a change stands out. One that was `meant` (a step's own) can do so only against its history.

    With enough history the measure is the distance from the median change, in scaled median absolute deviations, and at
    least a twentieth of the value; without it, a fact that doubled or halved stands out.
    """
    if delta.change is None or not _number(delta.before):
        return delta
    if len(past) >= ENOUGH:
        usual = statistics.median(past)
        spread = 1.4826 * statistics.median(abs(change - usual) for change in past)
        far = abs(delta.change - usual) > SCORE * max(spread, 0.05 * abs(delta.before))
        return replace(delta, usual=usual, outlier=far, why=f"usually {signed(usual, delta.unit)}" if far else "")
    if meant or delta.share is None or -0.5 < delta.share < 1:
        return delta
    return replace(delta, outlier=True, why=f"{change_of(delta.share)} in one run")


def _of_step(task: str, record: StepRecord) -> Iterator[Delta]:
    if record.measures:
        yield from (_delta(task, one.name, one.before, one.after, one.unit) for one in record.measures)
    elif record.before is not None and record.after is not None:
        yield from _deltas(named(task, record), record.before, record.after)


def _figures(task: str, run: RunRecord) -> list[Delta]:
    pairs = measures(run.figures_before.get(task, ()), run.figures_after.get(task, ()))
    return [_delta(task, one.name, one.before, one.after, one.unit) for one in pairs]


def _deltas(of: str, before: Any, after: Any) -> Iterator[Delta]:
    old, new = flat(before), flat(after)
    for fact in old:
        if fact in new:
            yield _delta(of, fact, old[fact], new[fact], unit_of(fact))


def _delta(of: str, fact: str, before: Scalar, after: Scalar, unit: Unit) -> Delta:
    if _number(before) and _number(after):
        change = after - before
        return Delta(of, fact, before, after, unit, change, change / abs(before) if before else None)
    return Delta(of, fact, before, after)


def _number(value: Scalar) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(f"{path}.{key}" if path else str(key), item)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _leaves(f"{path}.{_label(item, place)}", item)
    elif isinstance(value, bool | int | float) or (isinstance(value, str) and not _MOMENT.match(value)):
        yield path, value


def _label(item: Any, place: int) -> str:
    """Name an item of a list by its own name, within the database and the schema that it says it is in."""
    if not isinstance(item, dict):
        return str(place)
    names = [item[name] for name in _NAMES if isinstance(item.get(name), str)]
    within = [item[name] for name in _WITHIN if isinstance(item.get(name), str)]
    return ".".join([*within, names[0]]) if names else str(place)
