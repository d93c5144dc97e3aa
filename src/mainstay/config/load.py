"""Read a configuration into a Site, or say everything that is wrong with it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from mainstay.config.bind import Binder
from mainstay.config.channels import bind_channels, check_templates
from mainstay.config.check import Checks
from mainstay.config.checklists import Known, bind_checklists
from mainstay.config.document import Leaf, Map, Node, compose
from mainstay.config.emergencies import check_fixes
from mainstay.config.goals import check_goals
from mainstay.config.include import SECTIONS, Sources
from mainstay.config.mistakes import Mistakes, nearest, shown
from mainstay.config.routines import bind_routines, check_named
from mainstay.config.shape import NAME, SiteShape
from mainstay.config.targets import Kinds, bind_targets, check_references, known_targets
from mainstay.config.tasks import Entry, TaskBinder
from mainstay.config.windows import bind_blackouts, bind_windows
from mainstay.model.codec import encode
from mainstay.model.plan import Impact
from mainstay.model.target import Origin
from mainstay.model.task import Site, Task


def load(path: Path, kinds: Kinds) -> Site:
    """Read a configuration and its includes; ConfigError holds every mistake, with file and line."""
    path = Path(os.path.abspath(path))
    mistakes = Mistakes(f"the configuration {path} cannot be used")
    sources = Sources(path, mistakes)
    if not sources.complete:
        mistakes.raise_any()
    site = _site(sources.root(), kinds, mistakes)
    mistakes.raise_any()
    assert site is not None  # else a mistake was noted
    return replace(site, files=tuple(sources.files))


def task(site: Site, kinds: Kinds, id: str, params: Mapping[str, Any] | None = None) -> Task:
    """Return a task to run by itself: as its first routine has it, or with defaults; `params` are texts in YAML, or values."""
    mistakes, top = Mistakes(f"task {id} cannot be run"), Origin("command line", 1)
    tasks = TaskBinder(Binder(mistakes), known_targets(site, kinds))
    given = Map(tuple((Leaf(key, True, top), _written(value)) for key, value in (params or {}).items()), top)
    routines = site.routines.values()
    configured = next((task for routine in routines for task in (*routine.tasks, *routine.around) if task.id == id), None)
    bound = tasks.override(configured, given, id) if configured else tasks.bind(Entry(id, given, top), id, ())
    mistakes.raise_any()
    assert bound is not None  # else a mistake was noted
    return replace(bound, needs=())


def _site(root: Map, kinds: Kinds, mistakes: Mistakes) -> Site | None:
    binder = Binder(mistakes)
    (shape,) = binder.records(root, "", root.origin, SiteShape)
    nodes = sections(binder, root)
    targets = bind_targets(binder, kinds, nodes["targets"])
    windows = bind_windows(binder, nodes["windows"])
    routines = bind_routines(binder, TaskBinder(binder, targets), nodes["routines"], nodes["windows"])
    blackouts = bind_blackouts(binder, nodes["blackouts"])
    _check_zone(binder, root)
    tasks = TaskBinder(binder, targets)
    checklists = bind_checklists(binder, nodes["checklists"], Known(tasks, targets, nodes["windows"]))
    check_references(binder, targets)
    check_named(binder, routines)
    check_fixes(binder, tasks, shape.emergencies if shape else None)
    good = {name: known.target for name, known in targets.items() if known.target}
    checks = Checks(binder, kinds, nodes, windows)
    checks.check(routines)
    checks.check_questions(good, routines, blackouts)
    channels = bind_channels(binder, nodes["notify"])
    if shape is None:
        return None
    check_templates(binder, shape.notice_templates)
    check_goals(binder, shape.goals)
    site = Site(shape.site, shape.timezone, good, routines, windows, shape.state, checklists=checklists, **top_level(shape))
    return replace(site, blackouts=blackouts, channels=channels)


def top_level(shape: SiteShape) -> dict[str, Any]:
    """Return what a site takes from the top level as it is."""
    names = ("contact", "notice_templates", "emergencies", "serve", "checks", "access", "heartbeat", "goals")
    return {**{name: getattr(shape, name) for name in names}, "outside_windows": Impact[shape.outside_windows.upper()]}


def sections(binder: Binder, root: Map) -> dict[str, dict[str, Node]]:
    """Return the named nodes of every section."""
    return {section: _section(binder, root, section) for section in SECTIONS}


def _section(binder: Binder, root: Map, section: str) -> dict[str, Node]:
    """Return the named nodes of a section; a name that could not stand in a label or file name is a mistake."""
    origin, node = binder.entries(root, "").get(section, (root.origin, Map((), root.origin)))
    found: dict[str, Node] = binder.bound(node, section, origin, dict[str, Node]) or {}
    for name in found:
        if not NAME.fullmatch(name):
            path = f"{section}.{name}"
            binder.mistakes.add(
                binder.origins[path], path, "is not a name", "at most 63 letters, digits, - and _, the first a letter"
            )
    return found


def _check_zone(binder: Binder, root: Map) -> None:
    origin, node = binder.entries(root, "").get("timezone", (root.origin, None))
    if isinstance(node, Leaf) and not _is_zone(node.text):
        binder.mistakes.add(origin, "timezone", f"no time zone {shown(node.text)}", nearest(node.text, available_timezones()))


def _is_zone(name: str) -> bool:
    """Say whether the tz database has a zone; listing all of them takes 20 ms, so that waits for a mistake."""
    try:
        return bool(ZoneInfo(name)) and name.partition("/")[0] not in ("posix", "right", "posixrules", "localtime")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _written(value: Any) -> Node:
    """Return a value of the command line as a node; what is not text is written as JSON, which YAML includes."""
    return compose(value if isinstance(value, str) else json.dumps(encode(value)), "command line")
