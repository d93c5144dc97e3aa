"""Do pinned steps of a logs task, looking first what of them happened already; usage: logs_steps.py TASK SETTINGS STEP..."""

from __future__ import annotations

import json
import sys

from mainstay.kinds.kind import Session
from mainstay.kinds.logs import KIND
from mainstay.kinds.logs.settings import Settings
from mainstay.model.codec import decode
from mainstay.model.plan import Step
from mainstay.model.target import Target
from mainstay.system.clock import Deadline
from mainstay.system.process import Door

task = KIND.task(sys.argv[1])
session = Session(Target("logs", "logs", decode(Settings, json.loads(sys.argv[2]))), Door())
for step in (decode(Step, json.loads(text)) for text in sys.argv[3:]):
    before = task.observe(session, step.on)
    if task.verify(before, before, step) is not None:
        task.apply(session, step, Deadline(step.deadline))
        why_not = task.verify(before, task.observe(session, step.on), step)
        if why_not:
            sys.exit(why_not)
