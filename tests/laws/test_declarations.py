"""What every kind declares, and that nothing outside its folder knows it."""

from __future__ import annotations

import ast
import inspect
import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest

import mainstay
from mainstay.kinds import registry
from mainstay.kinds.kind import Kind, TaskKind
from mainstay.model.setting import Setting
from mainstay.model.task import TaskClass
from tests.laws.every import KINDS, TASKS, case_files, folder_of

SOURCE = Path(mainstay.__file__).parent
LONGEST = 120  # lines of a task file
# Places that may name a kind: nothing there has to change when a kind is added.
EXEMPT = {
    "demo": "the demo is one site, and a site names its kinds",
    "cli/backup.py": "the command `mainstay backup` is the front of that kind",
    "cli/backup_copies.py": "copies are a part of that front",
    "cli/backup_records.py": "so is what a person says about backups",
    "cli/repository.py": "it finds the targets of that kind for those commands",
    "cli/restoring.py": "restoring is a part of that front",
    "cli/logs.py": "the command `mainstay logs` is the front of that kind",
    "cli/wal.py": "the command `mainstay wal` is a front of that kind",
    "kinds/registry.py": "it names kinds that do not exist yet; one that does exist by now need not be taken out",
    "cli/commands.py": "the list of commands, some of which have the name of a kind",
}
# Words of their own that happen to be the name of a kind, by file.
OTHER_MEANINGS = {
    "app.py": {"manual"},  # a level: a person begins every task
    "model/task.py": {"backup", "manual"},  # a class of tasks; that level
    "config/check.py": {"manual"},
    "config/routines.py": {"manual"},
    "engine/ready.py": {"manual"},
    "engine/turn.py": {"manual"},
    "model/setting.py": {"command"},  # where a secret comes from
    "config/bind.py": {"command"},
    "config/schema.py": {"command"},
    "config/shape.py": {"sqlite"},  # the example of `kind`
    "system/secrets.py": {"command"},
    "system/http.py": {"http"},  # a scheme
    "discover/surroundings.py": {"nginx", "docker"},  # what usually listens on a port; the program
    "system/process.py": {"docker"},  # the program that leads into containers
    "cli/doctor.py": {"docker"},
    "cli/site.py": {"files", "sqlite"},  # the files of a configuration; the version of the library
}

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
every_task = pytest.mark.parametrize(("kind", "task"), TASKS)


@every_kind
def test_a_kind_says_what_it_is_and_has_a_check(kind: Kind) -> None:
    names = [task.name for task in kind.tasks]
    assert list(kind.names) == names
    assert len(set(names)) == len(names)
    assert kind.name == folder_of(kind).name.removeprefix("mainstay_")
    assert _one_line(kind.summary)
    person_only = all(task.waits for task in kind.tasks)
    assert person_only or kind.task("check").task_class is TaskClass.CHECK


@every_kind
def test_every_setting_explains_itself(kind: Kind) -> None:
    assert [path for path, help in _settings(kind.settings) if not _one_line(help)] == []


@every_task
def test_every_parameter_explains_itself(kind: Kind, task: TaskKind[Any, Any]) -> None:
    assert [path for path, help in _settings(task.params) if not _one_line(help)] == []
    assert is_dataclass(task.facts)
    assert typing.cast(Any, task.facts).__dataclass_params__.frozen


@every_task
def test_a_task_says_what_it_does_in_one_line(kind: Kind, task: TaskKind[Any, Any]) -> None:
    assert _one_line(task.summary)
    assert task.name.isidentifier()
    assert task.task_class is not TaskClass.CHECK or not task.actions


@every_task
def test_what_can_be_tried_on_a_copy_acts_at_its_target_alone(kind: Kind, task: TaskKind[Any, Any]) -> None:
    if task.rehearsable:
        assert kind.store, "without a store there are no copies"
        assert task.actions
        assert not task.bracket
        assert Path not in typing.get_type_hints(task.params).values(), "it works at a place that is not on the copy"


@every_task
def test_a_task_file_fits_on_a_few_screens(kind: Kind, task: TaskKind[Any, Any]) -> None:
    lines = Path(inspect.getfile(type(task))).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST


@every_task
def test_every_decision_has_a_case_file(kind: Kind, task: TaskKind[Any, Any]) -> None:
    decides = {"plan", "assess"} & vars(type(task)).keys()
    assert not decides or task.name in case_files(kind)


@every_kind
def test_every_case_file_is_of_a_task(kind: Kind) -> None:
    assert case_files(kind).keys() <= {task.name for task in kind.tasks}


def test_nothing_outside_its_folder_names_a_kind() -> None:
    leaks = sorted(leak for path in _common_sources() for leak in _leaks(path))
    print(f"leak count {len(leaks)}; {len(EXEMPT)} exempt places")
    assert leaks == []


def test_every_exemption_is_still_needed() -> None:
    for name, words in OTHER_MEANINGS.items():
        assert words <= {word for word, _ in _words(SOURCE / name)}, name
    assert [name for name in EXEMPT if not (SOURCE / name).exists()] == []


def test_a_kind_imports_no_other_kind() -> None:
    for folder in (path for path in (SOURCE / "kinds").iterdir() if (path / "__init__.py").exists()):
        others = tuple(f"mainstay.kinds.{name}" for name in registry.names() if name != folder.name)
        found = {module for path in folder.rglob("*.py") for module in _imports(path)}
        assert [module for module in found if f"{module}.".startswith(tuple(f"{other}." for other in others))] == []


@dataclass(frozen=True)
class _Undocumented:
    plain: int = 0


def test_a_setting_without_help_would_be_noticed() -> None:
    assert list(_settings(_Undocumented)) == [("plain", "")]


def _settings(kind: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield path and help of every field, those of nested dataclasses included."""
    hints = typing.get_type_hints(kind, include_extras=True)
    for one in fields(kind):
        hint, name = hints[one.name], f"{path}{one.name}"
        found = (
            [part for part in typing.get_args(hint)[1:] if isinstance(part, Setting)]
            if typing.get_origin(hint) is Annotated
            else []
        )
        yield name, found[0].help if found else ""
        for inner in _inside(hint):
            if is_dataclass(inner) and inner.__module__ != "mainstay.model.setting":
                yield from _settings(inner, f"{name}.")


def _inside(hint: Any) -> Iterator[Any]:
    yield hint
    for part in typing.get_args(hint):
        if not isinstance(part, Setting | str | int):
            yield from _inside(part)


def _one_line(text: str) -> bool:
    return bool(text.strip()) and "\n" not in text and len(text) <= 140


def _common_sources() -> Iterator[Path]:
    ours = [SOURCE / "kinds" / kind.name for kind in KINDS] + [SOURCE / name for name in (*EXEMPT, "profiles")]
    return (path for path in sorted(SOURCE.rglob("*.py")) if not any(path.is_relative_to(one) for one in ours))


def _leaks(path: Path) -> Iterator[str]:
    name = str(path.relative_to(SOURCE))
    known = {kind.name for kind in KINDS}
    for word, line in _words(path):
        if word in known - OTHER_MEANINGS.get(name, set()):
            yield f"{name}:{line} says {word!r}"
    for module in _imports(path):
        if module.startswith("mainstay.kinds.") and module.split(".")[2] in known:
            yield f"{name} imports {module}"


def _words(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value, node.lineno


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
