"""Every kind of this installation, with its case files and scenes, wherever it comes from."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from mainstay.kinds import registry
from mainstay.kinds.kind import Kind, TaskKind
from mainstay.model.codec import decode
from tests.laws.scene import Scene

TESTS = Path(__file__).parents[1]
Builder = Callable[[Path], Scene]

KINDS = [registry.load(name) for name in registry.names()]
TASKS = [pytest.param(kind, task, id=f"{kind.name}.{task.name}") for kind in KINDS for task in kind.tasks]


@dataclass(frozen=True)
class Case:
    """The input of a decision, and the whole case as it is written, with what is expected."""

    kind: Kind
    task: TaskKind[Any, Any]
    facts: Any
    params: Any
    wanted: dict[str, Any]


def folder_of(kind: Kind) -> Path:
    """Return the folder of a kind's source."""
    return Path(inspect.getfile(kind.settings)).parent


def case_files(kind: Kind) -> dict[str, Path]:
    """Return a kind's case files by the name of their task."""
    own = TESTS / "kinds" / kind.name / "cases"
    folder = own if _is_ours(kind) else folder_of(kind) / "cases"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def builders(kind: Kind) -> dict[str, Builder]:
    """Return what builds a kind's scenes, by name."""
    if (TESTS / "laws" / "scenes" / f"{kind.name}.py").exists():
        ours: dict[str, Builder] = importlib.import_module(f"tests.laws.scenes.{kind.name}").SCENES
        return ours
    brought = {entry.name: entry for entry in entry_points(group="mainstay.scenes")}
    theirs: dict[str, Builder] = brought[kind.name].load() if kind.name in brought else {}
    return theirs


def _is_ours(kind: Kind) -> bool:
    return kind.settings.__module__.startswith("mainstay.kinds.")


def _cases() -> Iterator[Any]:
    for kind in KINDS:
        for name, path in case_files(kind).items():
            task = kind.task(name)
            for one in YAML(typ="safe").load(path.read_text(encoding="utf-8")):
                facts: Any = decode(task.facts, one["facts"])
                params: Any = decode(task.params, one.get("params", {}))
                yield pytest.param(Case(kind, task, facts, params, one), id=f"{kind.name}.{name}: {one['case']}")


CASES = list(_cases())
SLOW = {
    "postgres.upgrade_rehearsal",  # copies a cluster and upgrades it, a dozen times for some laws
    *(
        f"backup.{name}" for name in ("copy", "verify_copies", "prune_copies", "fetch", "drill_keys")
    ),  # back up, prove and encrypt
    "postgres.base_backup",  # recovers a cluster, as often
    "postgres.prove_recovery",
    "postgres.recover",
}
SLOW_TO_KILL = {*SLOW, "docker.hold"}  # three containers for every moment at which it is killed; its own test kills it at some


def _scenes(slow: Collection[str]) -> list[Any]:
    named = [(f"{kind.name}.{name}", build) for kind in KINDS for name, build in builders(kind).items()]
    return [pytest.param(build, id=name, marks=[pytest.mark.slow] if name in slow else []) for name, build in named]


SCENES, KILLED = _scenes(SLOW), _scenes(SLOW_TO_KILL)
