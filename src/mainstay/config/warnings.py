"""What may be configured and is worth a second thought."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from mainstay.model.errors import Mistake
from mainstay.model.setting import SecretRef
from mainstay.model.target import Origin
from mainstay.model.task import Site, Window
from mainstay.schedule import rules

_YEAR = 2026  # in which a rule is counted: any will do


def warnings(site: Site) -> tuple[Mistake, ...]:
    """Return what is allowed but risky, each with its line."""
    windows = (warning for window in site.windows.values() for warning in _window(window))
    found = [*_targets(site), *_tasks(site), *windows, *_channels(site)]
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


def _instead(meant: str) -> str:
    """Name the rule that was probably meant, with what it comes to."""
    if not meant:
        return "write a rule such as 'first sunday 02:00'"
    return f"write {meant!r} if it was to be due {rules.parse(meant).times_in(_YEAR)} times"
