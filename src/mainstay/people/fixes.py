"""Quick fixes: tasks that relieve a symptom, as their kinds declare it or the configuration says; evidence is kept first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mainstay.engine.context import Context
from mainstay.model.emergency import SYMPTOMS, Symptom
from mainstay.model.errors import Refused
from mainstay.model.plan import Impact


@dataclass(frozen=True)
class Fix:
    """One task that helps against a symptom; `evidence` are the tasks whose looks are kept before it acts."""

    symptom: Symptom
    task: str
    summary: str
    impact: Impact
    evidence: tuple[str, ...]


def of(context: Context) -> list[Fix]:
    """Return the quick fixes of a site, by symptom."""
    found = list(_declared(context)) + list(_configured(context))
    unique = {(one.symptom, one.task): one for one in found}
    return sorted(unique.values(), key=lambda one: (list(SYMPTOMS).index(one.symptom), one.task))


def find(context: Context, task: str) -> Fix:
    """Return the quick fix of that task; Refused when it is none."""
    known = {one.task: one for one in of(context)}
    if task not in known:
        next = "mainstay emergency fixes, or name it under `emergencies: {fixes: ...}`"
        raise Refused("that task is no quick fix", on=task, because=f"known: {', '.join(known) or 'none'}", next=next)
    return known[task]


def _declared(context: Context) -> Iterator[Fix]:
    for name, target in context.site.targets.items():
        for task in context.kind(target).tasks:
            for symptom in task.relieves:
                yield _fix(context, symptom, name, task.name)


def _configured(context: Context) -> Iterator[Fix]:
    for symptom, ids in context.site.emergencies.fixes.items():
        for id in ids:
            target, _, task = id.partition(".")
            yield _fix(context, symptom, target, task)


def _fix(context: Context, symptom: Symptom, target: str, name: str) -> Fix:
    kind = context.kind(context.site.targets[target])
    task = kind.task(name)
    evidence = tuple(f"{target}.{one}" for one in task.evidence if one in kind.names)
    return Fix(symptom, f"{target}.{name}", task.summary, task.impact, evidence)
