"""What is decided about rows that break a rule: moved, left alone with the reason, dropped from quarantine, or told."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.postgres.orphans.quarantine import Move
from mainstay.kinds.postgres.orphans.rules import SCHEMA, Count, Kept, LargeObjects, OrphanFacts
from mainstay.model.because import Because, Finding, Level, because
from mainstay.model.codec import encode
from mainstay.model.plan import Cost, Impact, OneWay, Skip, Step, Undo
from mainstay.model.setting import Setting
from mainstay.model.units import Duration

_LONGEST_NAME = 63  # bytes; the server cuts what is longer


@dataclass(frozen=True)
class OrphansParams:
    """What may be done about rows that break a rule."""

    delete: Annotated[bool, Setting("move them to the schema mainstay_quarantine; otherwise they are counted")] = False
    max_rows: Annotated[int, Setting("more of one rule in one table are left to a person", ge=1, example="100000")] = 100_000
    batch: Annotated[int, Setting("rows of one transaction", ge=1, le=100_000, example="1000")] = 1000
    keep: Annotated[Duration, Setting("how long they stay in quarantine before they are dropped", ge=0, example="30d")] = (
        Duration(30 * 86_400)
    )
    assert_none: Annotated[bool, Setting("any such row is critical: for use after a restore")] = False


def decide(one: Count, facts: OrphanFacts, params: OrphansParams, kept: str) -> Step | Skip:
    """Move the rows, or say why they stay."""
    if reason := _left_alone(one, params):
        return Skip(one.on, reason)
    holder = facts.holder(one)
    if holder.hindrance:
        return Skip(one.on, because("rows stay where they are", holder.hindrance))
    if kept in facts.held:
        return Skip(one.on, because("held for the undo of an unsettled run", kept))
    args = encode(Move(one.probe, one.part, kept, holder.columns, one.rows, params.batch))
    where = f"{SCHEMA}.{kept}"
    return Step(
        f"move {' '.join(one.on[1:])}",
        "move",
        one.on,
        because("rows", one.rows, ">", 0),
        Impact.LOAD,
        OneWay(f"they stay in {where} for {params.keep}; {holder.refuses} would refuse them back")
        if holder.refuses
        else Undo("put_back", args),
        args,
        deadline=Duration(3600),
        cost=Cost(rows=one.rows),
        holds=(kept,),
    )


def _left_alone(one: Count, params: OrphansParams) -> Because | None:
    if one.problem:
        return because("not counted", one.problem)
    if not one.rows:
        return because("rows", 0)
    if one.probe.doubt:
        return because(f"a foreign key, {one.probe.doubt}: declare a rule to move its rows", one.rows)
    if not params.delete:
        return because("rows, only counted while delete is false", one.rows, param="delete")
    return because("rows", one.rows, ">", params.max_rows, "max_rows") if one.rows > params.max_rows else None


def dropped(kept: Kept, facts: OrphanFacts, params: OrphansParams) -> Step | Skip:
    """Drop what has been in quarantine for long enough."""
    on = ("quarantine", kept.database, kept.name)
    if kept.name in facts.held:
        return Skip(on, because("held for the undo of an unsettled run", kept.name))
    if not params.delete or kept.age <= params.keep:
        return Skip(on, because("age", kept.age, "<=", params.keep, "keep"))
    why = OneWay(f"{facts.moved[kept.name]} rows that broke the rule {kept.rule}, and that nobody missed for {params.keep}")
    age = because("age", kept.age, ">", params.keep, "keep")
    cost = Cost(bytes=kept.size, rows=facts.moved[kept.name])
    return Step(f"drop {kept.database} {kept.name}", "drop", on, age, Impact.LOAD, why, {"kept": kept.name}, cost=cost)


def judged(one: Count, params: OrphansParams) -> Finding:
    """Tell how many rows break a rule, with keys to look at."""
    on = f"{' '.join([one.probe.database, '.'.join(one.part)])}, rule {one.probe.name}"
    if one.problem:
        return Finding(Level.UNKNOWN, on, because("not counted", one.problem), "mend the rule, or grant SELECT on its tables")
    level = Level.CRITICAL if params.assert_none else Level.WARNING
    doubt = f" ({one.probe.doubt})" if one.probe.doubt else ""
    advice = f"such as {', '.join(one.examples)}; `delete: true` moves rows of a declared rule to quarantine"
    return Finding(level, on, because(f"rows that point to nothing{doubt}", one.rows, ">", 0), advice)


def loose(found: tuple[LargeObjects, ...]) -> list[Finding]:
    """Tell how many there are at most: a column that this role may not read may name some of them."""
    return [
        Finding(
            Level.WARNING,
            one.database,
            because("large objects that no column names" + (", at most" if one.unread else ""), one.unreferenced, ">", 0),
            f"vacuumlo {one.database} removes them",
        )
        for one in found
        if one.unreferenced
    ]


def named(name: str, number: int) -> str:
    """Name a table in quarantine after the run; of a long name its digest and its end remain."""
    whole = f"{name} {number}"
    if len(whole.encode()) <= _LONGEST_NAME:
        return whole
    return f"{hashlib.sha256(whole.encode()).hexdigest()[:16]} {whole.encode()[-40:].decode(errors='ignore')}"
