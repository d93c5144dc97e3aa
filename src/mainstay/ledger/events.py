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


OCCURRENCE_CLAIMED = "occurrence.claimed"  # occurrence: "routine@intended UTC", claimed once; slot
# routine, launched_by, attended, all_or_nothing, watch, watch_every, rollback, tasks, emergency, configuration
RUN_STARTED = "run.started"
RUN_ADOPTED = "run.adopted"  # boot: its seq is the fence of whoever adopted the run
RUN_CONSENTED = "run.consented"  # by, how, envelope
RUN_BASELINE = "run.baseline"  # facts by check task, checks
TASK_PLANNED = "task.planned"  # plan, forecast, began: pinned
STEP_STARTED = "step.started"  # step, before, undo_of, under: committed before the act
STEP_ENDED = "step.ended"  # step, action, undo_of, status, because, after, took, proves, copied, rehearses, measures
TASK_ENDED = "task.ended"  # status, because, findings
RUN_PARKED = "run.parked"  # because
RUN_STANDS = "run.stands"  # until, because: its brackets stay in force without an owner
RUN_BEGUN_BY = "run.begun_by"  # by, text: a person begins the item that it waits for
RUN_SIGNED = "run.signed"  # by, yes, text
RUN_CANCELLED = "run.cancelled"  # by, text: a wish, the owner obeys
RUN_ANSWERED = "run.answered"  # by, step, yes, text: a person says whether an unknown step happened
RUN_WAITED = "run.waited"  # by, text: for how long it waited for little traffic, and why
RUN_TURNED = "run.turned"  # because: from now on this run only takes back
RUN_FINAL = "run.final"  # facts by check task, checks
RUN_ENDED = "run.ended"  # status, verdict, because
RUN_NOTED = "run.noted"  # by, text: what the run says of itself, such as whom it could tell before it began
RUN_ESCALATED = "run.escalated"  # by, text, after, to: an emergency run that lasts too long
RUN_TAUGHT = "run.taught"  # text, configuration: after a drill the runbook is to be looked at
RUN_SETTLED = "run.settled"  # by, text, watched (its watch ended well): nothing of it is owed any more, its held names are free
ROUTINE_JUDGED = "routine.judged"  # routine, findings: whether it is ready for its next slot
BLACKOUT_ADDED = "blackout.added"  # span, by
BLACKOUT_REMOVED = "blackout.removed"  # name, by, text
WINDOW_ANNOUNCED = "window.announced"  # window: a later one of the same id moves it
WINDOW_WITHDRAWN = "window.withdrawn"  # id, by, text
LEDGER_REPAIRED = "ledger.repaired"  # saved, damaged
NOTICE_OWED = "notice.owed"  # sort, on, facts: what only the calendar shows; `task` is its key, owed once
SERVE_STARTED = "serve.started"  # version, socket
SERVE_STOPPED = "serve.stopped"  # because, killed: children that did not end by themselves
SERVE_RELOADED = "serve.reloaded"  # files: the configuration in force from now on
SERVE_RELOAD_REFUSED = "serve.reload_refused"  # because: the old configuration stays in force
ACCESS_GRANTED = "access.granted"  # by, uid, words: somebody had something done through the socket
ACCESS_REFUSED = "access.refused"  # by, uid, words, because
RUN_WATCHED = "run.watched"  # because: why this look of its watch period is worse than before the run, "" when it is not
RUN_REOPENED = "run.reopened"  # because, next: it is worse, look after look; the command that is advised
RUN_PHASED = "run.phased"  # phases: when each is to be at work
PHASE_BEGUN = "phase.begun"  # phase
ROUTINE_PREPARED = "routine.prepared"  # routine, occurrence, slot, go, findings, plan
ROUTINE_SIGNED = "routine.signed"  # routine, item, asked, by, yes, text: for its next run
TARGET_TURNED = "target.turned"  # critical, findings: two looks at `task`, a target, agree that it is so from now on
ROOT_PLANNED = "root.planned"  # params, plan: the root unit's own, in a ledger of its own, as the two below
ROOT_BEGAN = "root.began"  # step: committed before the act
ROOT_ENDED = "root.ended"  # step, because ("" when it came to its end)

PEOPLES_ACTS = {
    RUN_CONSENTED: "consented",
    RUN_WAITED: "waited",
    RUN_BEGUN_BY: "began",
    RUN_SIGNED: "signed",
    RUN_CANCELLED: "cancelled",
    RUN_ANSWERED: "answered",
    RUN_NOTED: "noted",
    RUN_ESCALATED: "escalated",
    RUN_SETTLED: "settled",
}

# Emergencies: `run` is the id, EM-YYYY-NNN
EMERGENCY_OPENED = (
    "emergency.opened"  # severity, reason, by, because, contacts, respond, update: whom it reaches is to be told at once
)
EMERGENCY_TOLD = "emergency.told"  # text: whom its first notice has reached
EMERGENCY_EVIDENCE = "emergency.evidence"  # at, why, looks, changed, unsettled
EMERGENCY_NOTED = "emergency.noted"  # by, text
EMERGENCY_PHASE = "emergency.phase"  # phase, by, owner, text
EMERGENCY_ESCALATED = "emergency.escalated"  # after, to: whom it has to reach now
EMERGENCY_MODE_ON = "emergency.mode_on"  # by, modes, lasts: these brackets are put in force, scheduled runs stand still
EMERGENCY_MODE_OFF = "emergency.mode_off"  # by, text: all of that is taken back
EMERGENCY_CLOSED = "emergency.closed"  # by, resolution, follow_ups, configuration
EMERGENCY_FOLLOWED = "emergency.followed"  # number, by, remark, configuration: a follow-up is done; of a run, its lesson

# Checklists: `run` is the id of the sheet, name@due
CHECKLIST_OPENED = "checklist.opened"  # name, title, due, signed_by, items: it is due, and this is its form
CHECKLIST_ANSWERED = "checklist.answered"  # number, answer, by ("" = facts), text
CHECKLIST_SIGNED = "checklist.signed"  # by, role, login, content (SHA-256), text
CHECKLIST_REMINDED = "checklist.reminded"  # name, title, due, after, unanswered, missing: somebody is to be told

# The alert path: `task` is the channel
ALERT_TESTED = "alert.tested"  # channel, code, by, within: a synthetic alert, of which a person may have to say the code
ALERT_HEARD = "alert.heard"  # code, by
