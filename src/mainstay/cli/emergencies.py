"""What the commands about emergencies share: questions, what is printed, the report, and the way of a quick fix."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import typer

from mainstay.app import App
from mainstay.cli import call, doing, when
from mainstay.cli import notices as cli_notices
from mainstay.cli.stop import Wish
from mainstay.ledger import drills, events, runs
from mainstay.ledger import emergencies as remembered
from mainstay.model.because import Level
from mainstay.model.emergency import SYMPTOMS, Assessment, Emergency, Severity, assess
from mainstay.model.errors import ConfigError, Refused
from mainstay.model.plan import Undo
from mainstay.model.situation import Situation
from mainstay.model.task import Routine
from mainstay.model.units import Duration
from mainstay.notify import outbox
from mainstay.people import fixes as known_fixes
from mainstay.people.fixes import Fix
from mainstay.people.situation import collect
from mainstay.report import emergency, marks
from mainstay.report.document import Cell, Document, Paragraph, Section, plural, sections, table
from mainstay.report.emergency import Around, EmergencyReport

_BACK = timedelta(days=1)  # of the figures, before it was opened
_UNDO = Duration(86_400)  # so long a quick fix can be taken back
_USERS = ("none", "some", "most", "all")
_QUESTIONS = {
    "vulnerable": "Does it concern a version or a setting that is here?",
    "exposed": "Can it be reached from outside?",
    "used": "Is that part in use?",
    "data_at_risk": "Is data being lost, taken or damaged?",
}


def severity(named: str, answers: Mapping[str, bool | str | None] | None) -> tuple[Severity, str]:
    """Return how bad it is, as it was said or by the table, and how that was found."""
    if answers is None:
        if named not in Severity.__members__:
            raise ConfigError(f"there is no severity {named!r}", next=f"--severity {' | '.join(Severity)}, or --assess")
        return Severity(named), ""
    if named:
        raise ConfigError("--severity and --assess exclude each other", next="leave one of them out")
    found, because = assess(Assessment(**{key: _answer(key, value) for key, value in answers.items()}))
    return found, str(because)


def opened(site: App, found: Emergency) -> None:
    """Say the id, what is expected now, whom it reaches, and what was not in order."""
    rules = site.site.emergencies
    rank = rules.rank(found.severity)
    call.say(f"{found.id} is open: {found.severity}, {rank.meaning}")
    if found.because:
        call.say(f"  {found.because}")
    call.say(f"  somebody has to be at it within {rank.respond}, and to say how it stands every {rank.update}")
    for who, where in found.contacts.items():
        call.say(f"  tell {who}" + (f": {where}" if where != who else ""))
    call.say(f"  {found.told}")
    red = [finding for kept in found.evidence for seen in kept.looks for finding in seen.findings if finding.level > Level.OK]
    call.say(f"  evidence kept: {plural(len(red), 'finding')} not in order")
    if rules.freeze:
        call.say("  until it is closed, scheduled runs do nothing but backups and checks")
    call.say(f"  next: mainstay emergency fixes, mainstay emergency show {found.id}")


def situation(site: App, back: Duration) -> Situation:
    """Look at every target, and collect what the journal and the outbox hold."""
    now = call.now(site.site)
    found = collect(site.context, now - timedelta(seconds=back), site.check())
    told = cli_notices.state(site.site, now, drills.newest(site.journal).values())
    return replace(found, at=now, notices=tuple(outbox.troubles(site.site.state, now - _BACK)), unheard=told.unheard)


def situation_json(found: Situation) -> dict[str, object]:
    """Return it as JSON has it: of a notice, what `notify list` tells."""
    names = ("site", "at", "since", "looked", "red", "runs", "changes", "waiting", "emergencies", "modes", "unheard")
    deliveries = [
        {"notice": one.notice.id, "subject": one.notice.subject, "to": str(one.lane), "state": one.state, "because": one.because}
        for one in found.notices
    ]
    return {**{name: getattr(found, name) for name in names}, "notices": deliveries}


def switch_on(id: str, lasts: str, say: str, by: str) -> None:
    """Switch the emergency mode on, and say what of it is in force."""
    site = call.opened()
    with doing.listening(site) as live:
        found = live.emergency_mode.on(site.emergencies.get(id).id, by, when.duration(lasts), say)
    modes = found.mode.modes if found.mode else ()
    for task in modes:
        call.say(f"{found.id}: {task} shows users that something is broken, for {lasts}")
    if not modes:
        call.say(f"{found.id}: no target has an emergency banner, or it is in force by another hand")
    call.say(f"  scheduled runs stand still\n  next: mainstay emergency mode off {found.id}")
    if modes and not site.guarded():
        call.say("  no timer settles runs here: it stays until you lift it")


def switch_off(id: str, by: str, remark: str) -> None:
    """Switch it off."""
    site = call.opened()
    with doing.listening(site) as live:
        found = live.emergency_mode.off(site.emergencies.get(id).id, by, remark)
    call.say(f"{found.id}: the emergency mode is off, and scheduled runs go on")


def asked_for_follow_ups() -> list[str]:
    """Ask for what is left to do, until an empty line; nothing where there is no terminal."""
    left: list[str] = []
    while sys.stdin.isatty() and sys.stdout.isatty():
        text = typer.prompt("What is left to do (empty: nothing more)", default="", show_default=False).strip()
        if not text:
            break
        left.append(text)
    return left


def closed(found: Emergency) -> None:
    """Say that it is closed, and what is left."""
    call.say(f"{found.id} is closed")
    for one in found.follow_ups:
        call.say(f"  {one.number}. {one.text}")
    call.say(f"  next: mainstay emergency report {found.id} --output {found.id}.html")


def report(site: App, id: str) -> EmergencyReport:
    """Fold the report of an emergency from the journal and the figures around it."""
    found, now = site.emergencies.get(id), call.now(site.site)
    until = found.closed or now
    around = remembered.between(site.journal, found.opened - emergency.BEFORE, now)
    own = [one for one in around if one.at <= until or one.run == found.id]
    ids = [one.run for one in own if one.kind == events.RUN_STARTED]
    ids += [one.run for one in around if one.kind == events.RUN_STARTED and emergency.linked(found, one) and one.run not in ids]
    records = [record for run in ids if (record := runs.load(site.journal, run))]
    since = found.opened - _BACK
    figures = {name: site.context.samples.history(name, since) for name in site.site.targets}
    rank = site.site.emergencies.rank(found.severity)
    return emergency.build(found, Around(records, own, figures, rank.respond, site.journal.head()), now)


def fixes(site: App) -> list[Fix]:
    """Return the quick fixes of a site."""
    return known_fixes.of(site.context)


def fixes_page(found: Sequence[Fix]) -> Document:
    """List them by symptom; a symptom without one is listed too."""
    parts = []
    for symptom, words in SYMPTOMS.items():
        rows = [(Cell(one.task), Cell(one.summary), marks.impact_word(one.impact)) for one in found if one.symptom == symptom]
        nothing = Paragraph("No task of this site relieves it; name one under `emergencies: {fixes: ...}`.", "muted")
        parts.append(Section(f"{symptom}: {words}", (table(("task", "what it does", "impact"), rows) if rows else nothing,)))
    lede = "Each keeps the evidence first: mainstay emergency fix TASK --dry-run"
    return Document("Quick fixes", Cell(plural(len(found), "task")), lede, sections=sections(*parts))


def use_fix(task: str, id: str, given: Sequence[str], *, yes: bool, dry: bool) -> None:
    """Show it, or ask for consent, keep the evidence, and run it."""
    wish = Wish()
    site = call.opened(wish)
    fix = known_fixes.find(site.context, task)
    routine = site.routine(task, _params(given))
    if dry:
        doing.show_plan(site, site.forecast(routine))
        return
    burning = _burning(site, id)
    launch = doing.attended(site, routine, yes=yes)
    site.emergencies.keep_evidence(burning.id, f"before the quick fix {task}", fix.evidence)
    doing.finish(site, wish, lambda live: live.run(_watched(site, routine), launch))


def _watched(site: App, routine: Routine) -> Routine:
    """Leave a day to take back what can be taken back."""
    steps = (step for plan in site.forecast(routine).plans for step in plan.steps)
    return replace(routine, watch=_UNDO) if any(isinstance(step.reverse, Undo) for step in steps) else routine


def _burning(site: App, id: str) -> Emergency:
    if id:
        found = site.emergencies.get(id)
        if found.closed:
            raise Refused("the emergency is closed", on=found.id, next="open a new one: mainstay emergency open")
        return found
    still = site.emergencies.still_open()
    if not still:
        next = "mainstay emergency open, or outside of one: mainstay run TASK"
        raise Refused("no emergency is open", because="a quick fix belongs to one", next=next)
    return still[-1]


def _params(given: Sequence[str]) -> dict[str, Any]:
    pairs = [one.partition("=") for one in given]
    for name, equals, _ in pairs:
        if not equals:
            raise ConfigError(f"--set {name}: no value", next="write --set PARAM=VALUE")
    return {name.strip(): value for name, _, value in pairs}


def _answer(key: str, given: bool | str | None) -> Any:
    """Return an answer that was given, or ask for it."""
    if key == "users" and given is not None and given not in _USERS:
        raise ConfigError(f"--users {given}: not known", next=f"one of {', '.join(_USERS)}")
    if given is not None:
        return given
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        option = f"--{key.replace('_', '-')}"
        raise ConfigError(f"{option} is not answered", next="answer all five by options, or call it at a terminal")
    if key == "users":
        return _asked_users()
    return typer.confirm(_QUESTIONS[key], default=False)


def _asked_users() -> str:
    while True:
        text: str = typer.prompt(f"Which users notice it ({', '.join(_USERS)})", default="none").strip()
        if text in _USERS:
            return text
