"""How a live target differs from one of its backups."""

from __future__ import annotations

from mainstay.app import App
from mainstay.engine import observe
from mainstay.model.errors import Refused
from mainstay.model.task import Lock
from mainstay.report.document import clean
from mainstay.system import locks
from mainstay.system.process import Door
from mainstay.vault.catalogue import newest
from mainstay.vault.repository import open_repository
from mainstay.vault.restore import scratch
from mainstay.vault.store import can_inspect, unhurried


def lines(app: App, repository: str, target: str, id: str) -> tuple[str, ...]:
    """Rebuild a backup in a scratch place, and return the lines of the difference; none of them can drive a terminal."""
    context, task = app.context, app.routine(f"{repository}.check").tasks[0]
    lock = Lock(context.resource(task.target), exclusive=False)
    with locks.acquire_all(context.locks, [lock], "backup diff"), observe.session(context, task, Door()) as session:
        facts = context.task_kind(task).observe(session)
        known = [entry for entry in facts.of(target) if (entry.proven if id == "latest" else entry.id.startswith(id))]
        entry, store = newest(known), session.stores.get(target)
        if entry is None or store is None or (id != "latest" and len(known) != 1):
            raise Refused(
                "there is no backup to compare with", on=target, because=f"{len(known)} are meant", next="mainstay backup list"
            )
        if not can_inspect(store):
            raise Refused("this cannot be compared line by line", on=target, because=f"it is of kind {store.kind}")
        with scratch(open_repository(facts.settings.repository.path), entry.id, store, "difference", unhurried()) as (_, place):
            return tuple(clean(line) for line in store.difference(place, unhurried()))
