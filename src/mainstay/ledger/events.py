"""The events of the journal: what one is, every kind of it, and what its body holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Event:
    """One row of the journal."""

    seq: int
    at: datetime
    kind: str
    run: str
    task: str
    body: dict[str, Any]
    hash: str


OCCURRENCE_CLAIMED = "occurrence.claimed"  # occurrence: "routine@intended UTC", claimed once
RUN_STARTED = "run.started"  # routine, launched_by, attended, occurrence, all_or_nothing, watch, tasks
RUN_ADOPTED = "run.adopted"  # boot: its seq is the fence of whoever adopted the run
RUN_CONSENTED = "run.consented"  # by, how, envelope
RUN_BASELINE = "run.baseline"  # facts by check task, checks
TASK_PLANNED = "task.planned"  # plan, forecast, began: pinned
STEP_STARTED = "step.started"  # step, before, undo_of, under: committed before the act
STEP_ENDED = "step.ended"  # step, status, because, after, proves, copied, measures
TASK_ENDED = "task.ended"  # status, because, findings
RUN_PARKED = "run.parked"  # because
RUN_STANDS = "run.stands"  # until, because: its brackets stay in force without an owner
RUN_SIGNED = "run.signed"  # by, yes, text
RUN_CANCELLED = "run.cancelled"  # by, text: a wish, the owner obeys
RUN_ANSWERED = "run.answered"  # by, step, yes, text: a person says whether an unknown step happened
RUN_TURNED = "run.turned"  # because: from now on this run only takes back
RUN_FINAL = "run.final"  # facts by check task, checks
RUN_ENDED = "run.ended"  # status, verdict, because
RUN_SETTLED = "run.settled"  # by, text: nothing of it is owed any more, its held names are free
LEDGER_REPAIRED = "ledger.repaired"  # saved, damaged

PEOPLES_ACTS = {
    RUN_CONSENTED: "consented",
    RUN_SIGNED: "signed",
    RUN_CANCELLED: "cancelled",
    RUN_ANSWERED: "answered",
    RUN_SETTLED: "settled",
}
