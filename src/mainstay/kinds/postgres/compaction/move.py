"""Compact a table by the tuple mover, with the indexes that this makes larger rebuilt afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mainstay.kinds.kind import Deferred, Session
from mainstay.kinds.postgres.compaction.compactable import look_compactable
from mainstay.kinds.postgres.compaction.mover import WRITE_ANEW, WRITE_ARRAY, Mover
from mainstay.kinds.postgres.compaction.repack import clear
from mainstay.kinds.postgres.compaction.rewrite import settle_table
from mainstay.kinds.postgres.indexes.reindex import REINDEX
from mainstay.kinds.postgres.indexes.states import Index, drop_copies, named, unfit
from mainstay.kinds.postgres.space.estimate import TableBloat
from mainstay.kinds.postgres.space.pages import PAGE
from mainstay.model.because import because
from mainstay.model.errors import StepFailed
from mainstay.model.plan import On, Step, shown
from mainstay.system.clock import Deadline

if TYPE_CHECKING:
    from mainstay.kinds.postgres.acting import Act

_LOOSE = 1.1  # times the expected size: a larger index is rebuilt
_SOME = 1.2  # times the expected size: larger TOAST is written anew
_PARTS = 12  # in which that is done: the VACUUM after each makes room in front for the next


def move(session: Session, step: Step, deadline: Deadline) -> Deferred | None:
    """Move wide values and rows to the front, cut the end off, and rebuild the indexes."""
    clear(session, step, deadline)
    with session.connection.acting(session, deadline, step.on[1]) as act:
        mover = Mover(act, step)
        mover.vacuum()
        _write_anew(mover, _now(session, step.on), step)
        if not mover.held_by:
            mover.shrink((_now(session, step.on).heap_expected or 0) // PAGE)
    if mover.held_by:
        return Deferred(because("it still sees dead rows, or holds the table", mover.held_by))
    reindex(session, step, deadline)
    settle_table(session, step, deadline)
    return None


def reindex(session: Session, step: Step, deadline: Deadline) -> None:
    """Rebuild the indexes of a table that have grown; those that cannot be rebuilt concurrently are named and left."""
    on, toast = step.on, step.args["toast_index"]
    loose = [one.on for one in _now(session, on).indexes if one.expected is None or one.size > _LOOSE * one.expected]
    due: list[On] = [*loose, *([("index", on[1], "pg_toast", toast)] if toast else [])]
    with session.connection.acting(session, deadline, on[1], patient=True) as act:
        for number, index in enumerate(due):
            session.progress(number, len(due), "indexes rebuilt")
            _rebuild(act, index)


def drop_half_built(session: Session, step: Step, deadline: Deadline) -> None:
    """Drop what a rebuild of an index of the table that did not end has left."""
    with session.connection.acting(session, deadline, step.on[1], patient=True) as act:
        for index in act.server.read(Index, step.on[1]):
            if index.valid and ((index.schema, index.table) == step.on[2:] or index.name == step.args["toast_index"]):
                drop_copies(act, index.on)


def _now(session: Session, on: On) -> TableBloat:
    found = look_compactable(session, on).table(on)
    if found is None:
        raise StepFailed("the table is gone", on=shown(on), next="it was dropped or renamed meanwhile: plan again")
    return found[0]


def _write_anew(mover: Mover, table: TableBloat, step: Step) -> None:
    expected = table.toast_expected
    if expected is None or table.toast <= _SOME * expected:
        return
    for columns, write in ((step.args["wide"], WRITE_ANEW), (step.args["arrays"], WRITE_ARRAY)):
        for column in columns:
            mover.write_anew(column, expected // _PARTS, write)
    mover.vacuum()


def _rebuild(act: Act, on: On) -> None:
    index = named(act.server.read(Index, on[1]), on)
    if index is None or not index.valid:
        return
    reason = unfit(index, act.server.identity().version)
    if reason or index.exclusion:
        act.session.output.append(f"index {index.name} is left as it is: {reason or 'it belongs to an exclusion constraint'}")
        return
    drop_copies(act, on)
    act.work(REINDEX, index=on[2:4])
