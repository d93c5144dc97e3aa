"""Rows are moved out of the way and back: each batch leaves its table and arrives in quarantine in one short transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mainstay.kinds.postgres.orphans.rules import CHOSEN, LOST, SCHEMA, Probe
from mainstay.kinds.postgres.statement import LockNotAvailable, Name, statement
from mainstay.model.codec import decode
from mainstay.model.errors import StepFailed
from mainstay.model.plan import Args
from mainstay.model.units import Duration
from mainstay.system import clock
from mainstay.system.clock import Deadline

if TYPE_CHECKING:
    from mainstay.kinds.postgres.acting import Act

_PATIENCE = Duration(30)  # how long rows that somebody else has locked are waited for
_PAUSE = 0.2

SAFE = statement("SET LOCAL search_path = pg_catalog")
HOME = statement("CREATE SCHEMA IF NOT EXISTS mainstay_quarantine")
MAKE = statement("CREATE TABLE IF NOT EXISTS {kept} (LIKE {table})")
NOTE = statement("COMMENT ON TABLE {kept} IS {note}")
NOW = statement("SELECT extract(epoch FROM clock_timestamp())::float8")
THERE = statement("SELECT to_regclass(format('%%I.%%I', %(schema)s::text, %(name)s::text)) IS NOT NULL")
MOVED = statement("SELECT count(*) FROM {kept}")
DROP = statement("DROP TABLE IF EXISTS {kept}")
LAST = statement("SELECT NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('mainstay_quarantine'))")
LEAVE = statement("DROP SCHEMA IF EXISTS mainstay_quarantine")
BACK = statement("INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {kept}")

_FIND = "SELECT ctid::text FROM ONLY {{table}} AS child WHERE {} LIMIT {{most}}"
_MOVE = (
    "WITH lost AS"
    " (SELECT ctid FROM ONLY {{table}} AS child WHERE ctid = ANY ({{rows}}::tid[]) AND {} FOR UPDATE OF child SKIP LOCKED),"
    " gone AS (DELETE FROM ONLY {{table}} AS child WHERE ctid = ANY (ARRAY(SELECT ctid FROM lost)) RETURNING child.*),"
    " kept AS (INSERT INTO {{kept}} SELECT * FROM gone RETURNING 1) SELECT count(*) FROM kept"
)
FIND = {text: statement(_FIND.format(text)) for text in (LOST, CHOSEN)}
MOVE = {text: statement(_MOVE.format(text)) for text in (LOST, CHOSEN)}


@dataclass(frozen=True)
class Move:
    """What is pinned of a move: which rows go from where to where, how many at most, and how many at once."""

    probe: Probe
    part: Name
    kept: str
    columns: tuple[str, ...]
    rows: int
    batch: int

    @classmethod
    def of(cls, args: Args) -> Move:
        """Return what the arguments of a step say."""
        return decode(cls, args)

    @property
    def place(self) -> Name:
        """The table in quarantine."""
        return (SCHEMA, self.kept)

    @property
    def text(self) -> str:
        """The form of its condition."""
        return LOST if self.probe.parent else CHOSEN

    def places(self) -> dict[str, Any]:
        """Return what its statements need."""
        return {**self.probe.places(), "table": self.part, "kept": self.place}


def set_up(act: Act, move: Move) -> None:
    """Make the table in quarantine, with a note of where its rows come from."""
    at = act.execute(NOW)[0][0]
    note = {"rule": move.probe.name, "table": ".".join(move.part), "at": at}
    with act.transaction():
        act.execute(HOME)
        act.execute(MAKE, kept=move.place, table=move.part)
        act.execute(NOTE, kept=move.place, note=f"mainstay {json.dumps(note)}")


def move_rows(act: Act, move: Move) -> None:
    """Move the rows that break the rule now, no more than were planned. StepFailed when locked ones do not become free."""
    done, patience = int(act.execute(MOVED, kept=move.place)[0][0]), Deadline(_PATIENCE)
    while done < move.rows and (found := _find(act, move, move.rows - done)):
        before = done
        for start in range(0, len(found), move.batch):
            done += _batch(act, move, found[start : start + move.batch])
            act.session.progress(done, move.rows, "rows")
        patience = Deadline(_PATIENCE) if done > before else patience
        if done == before and not patience.left:
            raise StepFailed(
                "rows are locked", on=".".join(move.part), because=f"not free within {_PATIENCE}", next="mainstay check names who"
            )
        clock.sleep(_PAUSE if done == before else 0)


def put_back(act: Act, move: Move) -> None:
    """Return all rows to their table and leave nothing behind; nothing when there is no such table in quarantine."""
    with act.transaction():
        if is_there(act, move.kept):
            act.work(BACK, table=move.part, kept=move.place, columns=[(one,) for one in move.columns])
        drop(act, move.kept)


def is_there(act: Act, kept: str) -> bool:
    """Tell whether there is such a table in quarantine."""
    return bool(act.execute(THERE, values={"schema": SCHEMA, "name": kept})[0][0])


def is_empty(act: Act, kept: str) -> bool:
    """Tell whether a table in quarantine holds no row, or is not there."""
    return not is_there(act, kept) or act.execute(MOVED, kept=(SCHEMA, kept))[0][0] == 0


def drop(act: Act, kept: str) -> None:
    """Drop a table in quarantine, and the schema with the last one."""
    with act.transaction():
        act.execute(DROP, kept=(SCHEMA, kept))
        if act.execute(LAST)[0][0]:
            act.execute(LEAVE)


def _find(act: Act, move: Move, most: int) -> list[str]:
    with act.transaction():
        act.execute(SAFE)
        return [row for (row,) in act.work(FIND[move.text], most=most, **move.places())]


def _batch(act: Act, move: Move, rows: list[str]) -> int:
    """Move rows that still break the rule and are not locked; none when the table itself is."""
    try:
        with act.transaction():
            act.execute(SAFE)
            places = {**move.places(), "rows": "{" + ",".join(f'"{row}"' for row in rows) + "}"}
            return int(act.execute(MOVE[move.text], **places)[0][0])
    except LockNotAvailable:
        return 0
