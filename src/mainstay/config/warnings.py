"""What may be configured and is worth a second thought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mainstay.config.mistakes import nearest
from mainstay.model.errors import Mistake
from mainstay.model.setting import SecretRef
from mainstay.model.target import Origin
from mainstay.model.task import Routine, Site, Window
from mainstay.schedule import leads, rules
from mainstay.schedule.agenda import Agenda
from mainstay.schedule.occurrences import upcoming

_YEAR = 2026  # in which a rule is counted: any will do
_DAY = timedelta(days=1)


def warnings(site: Site) -> tuple[Mistake, ...]:
    """Return what is allowed but risky, each with its line."""
    windows = (warning for window in site.windows.values() for warning in _window(window))
    found = [*_targets(site), *_tasks(site), *windows, *_unused(site), *_collisions(site), *_channels(site)]
    return tuple(dict.fromkeys(found))


def _targets(site: Site) -> Iterator[Mistake]:
    for target in site.targets.values():
        yield from _from_environment(target.settings, target.origins, f"targets.{target.name}", "")


def _tasks(site: Site) -> Iterator[Mistake]:
    for routine in site.routines.values():
        for task in (*routine.around, *routine.tasks, *routine.checks):
            yield from _from_environment(task.params, task.origins, f"routines.{routine.name}.{task.id}", "")


def _channels(site: Site) -> Iterator[Mistake]:
    for channel in site.channels.values():
        yield from _from_environment(channel.shape, channel.origins, f"notify.{channel.name}", "")
    if site.routines and not site.channels:
        origin = next(routine.origin for routine in site.routines.values())
        yield Mistake(
            origin or Origin("mainstay.yaml", 1), "notify", "nobody is told when a run fails", "add a channel: mail or a webhook"
        )


def _from_environment(value: Any, origins: dict[str, Origin], path: str, name: str) -> Iterator[Mistake]:
    if isinstance(value, SecretRef):
        if value.source == "env" and name in origins:
            problem = f"the environment variable {value.value} can be read by every process of this user"
            yield Mistake(origins[name], f"{path}.{name}", problem, "prefer {file: PATH} or {credential: NAME}")
    elif is_dataclass(value):
        for field in fields(value):
            inner = f"{name}.{field.name}" if name else field.name
            yield from _from_environment(getattr(value, field.name), origins, path, inner)


def _window(window: Window) -> Iterator[Mistake]:
    rule = rules.parse(window.rule)
    if isinstance(rule, rules.Cron) and rule.joins_days_by_or and window.origin:
        explained = f"{rule.times_in(_YEAR)} times in {_YEAR}, {rule.explained[:1].lower()}{rule.explained[1:]}"
        problem = f"cron joins day of month and day of week by OR, so this is due {explained}"
        yield Mistake(window.origin, f"windows.{window.name}.rule", problem, _instead(rule.meant))

    yield from _statuses(window, rule)


def _statuses(window: Window, rule: rules.Rule) -> Iterator[Mistake]:
    """Name the times at which nobody is told how far the run is, for the slot is over by then."""
    if not isinstance(rule, rules.Calendar) or not window.origin:
        return
    begins = timedelta(hours=rule.at.hour, minutes=rule.at.minute)
    for text in window.status:
        at = leads.clock(text)
        if (timedelta(hours=at.hour, minutes=at.minute) - begins) % _DAY > timedelta(seconds=window.length):
            problem = f"{text} is not within the slot, which lasts {window.length} from {rule.at:%H:%M} on"
            yield Mistake(window.origin, f"windows.{window.name}.status", problem, "nobody is told then")


def _unused(site: Site) -> Iterator[Mistake]:
    """Name the windows in which nothing is ever due: mostly the name of the routine was meant."""
    used = {routine.window for routine in site.routines.values()}
    idle = [name for name, routine in site.routines.items() if not routine.window]
    for window in site.windows.values() if site.routines else ():
        if window.name not in used and window.origin:
            hint = nearest(window.name, idle) if idle else f"write window: {window.name} at one"
            yield Mistake(window.origin, f"windows.{window.name}", "no routine has this window, so nothing is due in it", hint)


def _collisions(site: Site) -> Iterator[Mistake]:
    """Name, once for each pair, the routines that have the same target at the same time."""
    year = (datetime(_YEAR, 1, 1, tzinfo=UTC), datetime(_YEAR + 1, 1, 1, tzinfo=UTC))
    met = Counter((one.routine, other) for one in upcoming(Agenda(site), *year) for other in one.beside if other < one.routine)
    for (name, other), times in met.items():
        routine = site.routines[name]
        if (both := sorted(_touched(routine) & _touched(site.routines[other]))) and routine.origin:
            problem = f"its slots overlap those of {other} {times} times a year, and both need {', '.join(both)}"
            hint = f"one waits for the other; move a window, or write replaces: [{other}]"
            yield Mistake(routine.origin, f"routines.{name}", problem, hint)


def _touched(routine: Routine) -> set[str]:
    return {task.target.name for task in (*routine.around, *routine.tasks)}


def _instead(meant: str) -> str:
    """Name the rule that was probably meant, with what it comes to."""
    if not meant:
        return "write a rule such as 'first sunday 02:00'"
    return f"write {meant!r} if it was to be due {rules.parse(meant).times_in(_YEAR)} times"
