"""Checklists: their own items, and those of a form, in which targets stand for roles."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mainstay.config.bind import Binder
from mainstay.config.document import Leaf, Map, Node, read
from mainstay.config.mistakes import nearest, shown
from mainstay.config.shape import ChecklistShape, FormShape
from mainstay.config.targets import Known as Target
from mainstay.config.tasks import Entry, TaskBinder
from mainstay.model.checklist import Checklist, Due, Item
from mainstay.model.target import Origin
from mainstay.schedule import rules

FORMS = Path(__file__).parent / "forms"


@dataclass(frozen=True)
class Known:
    """What the items of checklists may name."""

    tasks: TaskBinder
    targets: Mapping[str, Target]
    windows: Collection[str]

    def has(self, target: str, task: str) -> bool:
        """Tell whether there is a target of that name, and a task of it; one with a mistake has every task."""
        if target not in self.targets:
            return False
        kind = self.targets[target].kind
        return not task or kind is None or task in kind.names


def bind_checklists(binder: Binder, nodes: Mapping[str, Node], known: Known) -> dict[str, Checklist]:
    """Bind every checklist; the ones with a mistake are left out."""
    found = {name: _checklist(binder, name, node, known) for name, node in nodes.items()}
    return {name: one for name, one in found.items() if one}


def forms() -> list[str]:
    """Name the forms that come with Mainstay."""
    return sorted(path.stem for path in FORMS.glob("*.yaml"))


def _checklist(binder: Binder, name: str, node: Node, known: Known) -> Checklist | None:
    path = f"checklists.{name}"
    origin = binder.origins[path]
    (shape,) = binder.records(node, path, origin, ChecklistShape)
    if shape is None:
        return None
    form = _form(binder, shape, path, known) if shape.form else None
    items = [*(_cast(binder, form, shape, known) if form else ()), *_items(binder, shape.items, f"{path}.items", known)]
    if not items:
        binder.mistakes.add(origin, path, "has no item", "write items, or a form that comes with Mainstay")
    if shape.due:
        _check_due(binder, shape.due, f"{path}.due", known)
    title = shape.title or (form.title if form else name)
    signed_by = shape.signed_by or (form.signed_by if form else ("verifier",))
    if len(set(signed_by)) < len(signed_by):
        binder.mistakes.add(origin, f"{path}.signed_by", "names a role twice", "give each person a role of its own")
    return Checklist(name, title, tuple(items), signed_by, shape.due, shape.remind, origin)


def _form(binder: Binder, shape: ChecklistShape, path: str, known: Known) -> FormShape | None:
    if shape.form not in forms():
        at = f"{path}.form"
        binder.mistakes.add(binder.origins[at], at, f"no form {shown(shape.form)}", nearest(shape.form, forms()))
        return None
    node = read(FORMS / f"{shape.form}.yaml", f"{shape.form}.yaml")
    form: FormShape | None = Binder(binder.mistakes).records(node, "", node.origin, FormShape)[0]
    for role, target in shape.targets.items():
        at = f"{path}.targets.{role}"
        if target not in known.targets:
            binder.mistakes.add(binder.origins[at], at, f"no target {shown(target)}", nearest(target, known.targets))
        if form and role not in form.roles:
            binder.mistakes.add(binder.origins[at], at, f"{shape.form} has no role {shown(role)}", nearest(role, form.roles))
    return form


def _cast(binder: Binder, form: FormShape, shape: ChecklistShape, known: Known) -> Iterator[tuple[str, Item]]:
    """Put targets in the place of roles; what has no target is for a person to answer."""
    own = Binder(binder.mistakes)
    for group, nodes in form.items.items():
        for number, node in enumerate(nodes):
            item = _item(own, node, f"{shape.form}.{group}[{number}]", node.origin)
            if item:
                yield group, _with_targets(item, form, shape, known)


def _with_targets(item: Item, form: FormShape, shape: ChecklistShape, known: Known) -> Item:
    role, dot, task = (item.task or item.done or item.proven).partition(".")
    target = shape.targets.get(role, role)
    if not role or not known.has(target, task):
        return Item(item.text)
    named = f"{target}{dot}{task}"
    *words, last = item.figure.split(" ")  # the figure of a target ends with its name
    figure = " ".join([*words, shape.targets.get(last, last) if last in form.roles else last])
    if item.task:
        return replace(item, task=named, figure=figure)
    return replace(item, done=named) if item.done else replace(item, proven=named)


def _items(binder: Binder, groups: Mapping[str, tuple[Node, ...]], path: str, known: Known) -> Iterator[tuple[str, Item]]:
    for group, nodes in groups.items():
        for number, node in enumerate(nodes):
            at = f"{path}.{group}[{number}]"
            item = _item(binder, node, at, binder.origins[at])
            if item:
                for id in filter(None, (item.task, item.done)):
                    known.tasks.bind(Entry(id, Map((), node.origin), node.origin), at, ())
                yield group, item


def _item(binder: Binder, node: Node, path: str, origin: Origin) -> Item | None:
    if isinstance(node, Leaf):
        return Item(node.text)
    found: Item | None = binder.records(node, path, origin, Item)[0]
    return found


def _check_due(binder: Binder, due: Due, path: str, known: Known) -> None:
    if due.rule:
        try:
            rules.parse(due.rule)
        except ValueError as error:
            binder.mistakes.add(binder.origins[f"{path}.rule"], f"{path}.rule", str(error))
    for key, window in (("before", due.before), ("after", due.after)):
        if window and window not in known.windows:
            at = f"{path}.{key}"
            binder.mistakes.add(binder.origins[at], at, f"no window {shown(window)}", nearest(window, known.windows))
