"""Emergencies: open one, keep the evidence, mend with quick fixes, say how it stands, close it, tell it."""

from __future__ import annotations

from typing import Annotated

import typer

from mainstay.cli import call
from mainstay.cli.call import Json, Name, Remark

app = call.command()
group = call.command(
    "emergency",
    help="""Open an emergency, keep the evidence, mend it, and tell it.

While one is open, scheduled runs do nothing but backups and checks. Everything that is said and done stands in the
journal, and the report is made from that.

\b
mainstay emergency open --assess --reason "orders fail"
mainstay emergency fixes
mainstay emergency close last --resolution "index rebuilt"
mainstay emergency report last --output EM-2026-001.html
""",
)
app.add_typer(group)

Id = Annotated[str, typer.Argument(metavar="ID", help="An emergency, such as EM-2026-001; `last` is the newest.")]


@group.command("open")
def open_(
    reason: Annotated[str, typer.Option("--reason", callback=call.in_words, metavar="TEXT", help="What is wrong.")],
    severity: Annotated[str, typer.Option("--severity", metavar="S1..S4", help="How bad it is.", show_default=False)] = "",
    assess: Annotated[bool, typer.Option("--assess", help="Find the severity by five questions.")] = False,
    vulnerable: Annotated[
        bool | None, typer.Option("--vulnerable/--not-vulnerable", help="Does it concern a version or setting that is here?")
    ] = None,
    exposed: Annotated[bool | None, typer.Option("--exposed/--not-exposed", help="Can it be reached from outside?")] = None,
    used: Annotated[bool | None, typer.Option("--used/--not-used", help="Is that part in use?")] = None,
    users: Annotated[str, typer.Option("--users", metavar="HOW-MANY", help="none, some, most or all.", show_default=False)] = "",
    data_at_risk: Annotated[
        bool | None, typer.Option("--data-at-risk/--data-safe", help="Is data being lost, taken or damaged?")
    ] = None,
    contact: Annotated[
        list[str] | None, typer.Option("--contact", metavar="WHO", help="Somebody else to be told; may be repeated.")
    ] = None,
    mode: Annotated[bool, typer.Option("--mode", help="Switch the emergency mode on at once, for an hour.")] = False,
    name: Name = "",
) -> None:  # fmt: skip
    """Open an emergency: it gets an id, and the evidence is kept.

    Every target is checked and what is not in order is written down, with the runs that changed something last, before
    anybody mends anything. With --assess the severity comes from a table; the questions are asked at a terminal, or answered
    by options.

    \b
    mainstay emergency open --severity S1 --reason "the shop is down"
    mainstay emergency open --assess --reason "slow since noon"
    mainstay emergency open --assess --users some --data-safe \\
      --not-vulnerable --not-exposed --not-used --reason "slow"
    """
    from mainstay.cli import emergencies
    from mainstay.people.emergencies import Alarm

    answers = {"vulnerable": vulnerable, "exposed": exposed, "used": used, "users": users or None, "data_at_risk": data_at_risk}
    found, because = emergencies.severity(severity, answers if assess else None)
    site = call.opened()
    opened = site.emergencies.open(Alarm(found, reason, call.person(name), because, contact or ()))
    emergencies.opened(site, opened)
    if mode:
        emergencies.switch_on(opened.id, "1h", "", call.person(name))


@group.command()
def check(
    since: Annotated[str, typer.Option("--since", metavar="TIME", help="How far back runs and changes are told.")] = "3d",
    as_json: Json = False,
) -> None:
    """Look at everything at once: what is red, and what changed lately.

    Every target is looked at now. Beside that: runs that changed something or ended badly, changes of the configuration, runs and
    modes that wait for somebody, open emergencies, notices that nobody took. The exit code is that of `mainstay check`.

    \b
    mainstay emergency check
    mainstay emergency check --since 12h --json
    """
    from mainstay.cli import emergencies, when
    from mainstay.report import situation

    found = emergencies.situation(call.opened(), when.duration(since))
    if as_json:
        call.show_json("situation/1", emergencies.situation_json(found))
    else:
        call.show(situation.document(found))
    raise typer.Exit(int(found.level))


@group.command()
def mode(
    state: Annotated[str, typer.Argument(metavar="on|off", help="Switch it on, or take all of it back.")],
    id: Id = "last",
    lasts: Annotated[str, typer.Option("--for", metavar="TIME", help="How long it is expected to last.")] = "1h",
    say: Annotated[str, typer.Option("--say", metavar="TEXT", help="What users read; else a general sentence.")] = "",
    name: Name = "",
    remark: Remark = "",
) -> None:
    """Show users that something is broken, and take that back.

    On keeps the evidence, puts every maintenance mode with an emergency banner in force (or what `emergencies: {mode: ...}`
    names), proven from outside, and has scheduled runs stand still. Off lifts all of that, and they go on; closing the
    emergency does the same. The reason of the emergency is never shown to users.

    \b
    mainstay emergency mode on --for 30m --say "Orders fail."
    mainstay emergency mode off
    """
    from mainstay.cli import emergencies
    from mainstay.model.errors import ConfigError

    if state not in ("on", "off"):
        raise ConfigError(f"the emergency mode is no {state!r}", next="mainstay emergency mode on | off")
    if state == "on":
        emergencies.switch_on(id, lasts, say, call.person(name))
    else:
        emergencies.switch_off(id, call.person(name), remark)


@group.command()
def note(
    id: Id,
    text: Annotated[str, typer.Argument(callback=call.in_words, metavar="TEXT", help="What is to be remembered.")],
    name: Name = "",
) -> None:
    """Add a line to the timeline.

    \b
    mainstay emergency note last "the provider confirms a fault"
    """
    call.opened().emergencies.note(id, call.person(name), text)
    call.say("noted")


@group.command()
def phase(
    id: Id,
    phase: Annotated[str, typer.Argument(metavar="PHASE", help="cause, fix, test, deploy or watch.")],
    owner: Annotated[str, typer.Option("--owner", metavar="NAME", help="Who has it in hand; else you.", show_default=False)] = "",
    name: Name = "",
    remark: Remark = "",
) -> None:
    """Say that a phase begins, and who has it in hand.

    Look for the cause, fix it, test the fix, deploy it, watch the result.

    \b
    mainstay emergency phase last cause --owner ann
    """
    call.opened().emergencies.phase(id, phase, call.person(name), owner, remark)
    call.say(f"phase {phase}")


@group.command()
def close(
    id: Id,
    resolution: Annotated[str, typer.Option("--resolution", callback=call.in_words, metavar="TEXT", help="How it ended.")],
    follow_up: Annotated[
        list[str] | None, typer.Option("--follow-up", metavar="TEXT", help="What is left to do; may be repeated.")
    ] = None,
    name: Name = "",
) -> None:
    """Close an emergency, and write down what is left to do.

    Every target is checked once more. At a terminal you are asked for what is left to do; that the runbook is updated is
    always on that list.

    \b
    mainstay emergency close last --resolution "disk enlarged" \\
      --follow-up "alert at 80 %"
    """
    from mainstay.cli import emergencies

    site = call.opened()
    found = site.emergencies.get(id)
    left = follow_up if follow_up is not None or found.closed else emergencies.asked_for_follow_ups()
    if found.mode:
        emergencies.switch_off(found.id, call.person(name), resolution)
    emergencies.closed(site.emergencies.close(found.id, call.person(name), resolution, left or ()))


@group.command()
def done(
    id: Id,
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="Which follow-up.")],
    name: Name = "",
    remark: Remark = "",
) -> None:
    """Sign that a follow-up is done: of an emergency, or of the drill of a run.

    The version of the configuration is kept beside it. Where a runbook is still the same, the remark has to say why.

    \b
    mainstay emergency done EM-2026-001 1 --remark "alert is set"
    """
    call.opened().emergencies.follow(id, number, call.person(name), remark)
    call.say(f"follow-up {number} is done")


@group.command("list")
def list_(
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="How many of the newest.")] = 20,
    as_json: Json = False,
) -> None:
    """List emergencies, and what is left to do after them.

    \b
    mainstay emergency list
    """
    from mainstay.ledger import lessons
    from mainstay.report import emergency_page

    site = call.opened()
    found = site.emergencies.all(count)
    if as_json:
        told = {"site": site.site.name, "at": call.now(site.site), "emergencies": found, "left": lessons.left(site.journal)}
        call.show_json("emergencies/1", told)
    else:
        call.show(emergency_page.overview(found, lessons.left(site.journal), call.now(site.site)))


@group.command()
def show(id: Id = "last", as_json: Json = False) -> None:
    """Show how an emergency stands: timeline, evidence, acts.

    \b
    mainstay emergency show
    mainstay emergency show EM-2026-001 --json
    """
    from mainstay.cli import emergencies
    from mainstay.report import emergency_page

    site = call.opened()
    if as_json:
        call.show_json("emergency/1", {"site": site.site.name, "emergency": site.emergencies.get(id)})
    else:
        call.show(emergency_page.document(emergencies.report(site, id)))


@group.command()
def report(
    id: Id = "last",
    format: Annotated[str, typer.Option("--format", metavar="FORMAT", help="text, markdown, json or html.")] = "",
    output: Annotated[str, typer.Option("--output", metavar="FILE", help="Write it to a file.", show_default=False)] = "",
) -> None:
    """Write the report of an emergency, from the journal alone.

    Timeline with runs and people's words, figures before, during and after with charts, acts, follow-ups. The ending of FILE
    tells the format.

    \b
    mainstay emergency report last --output EM-2026-001.html
    mainstay emergency report last --format markdown
    """
    from mainstay.cli import emergencies, reports

    found = emergencies.report(call.opened(), id)
    text, shown = reports.rendered(found, format or reports.format_of(output))
    if output:
        reports.save(output, text)
    elif shown:
        call.show(shown)
    else:
        call.say(text.rstrip("\n"))


@group.command()
def fixes(as_json: Json = False) -> None:
    """List the quick fixes of this site, by symptom.

    Tasks that relieve it, as their kinds and the configuration say.

    \b
    mainstay emergency fixes
    """
    from mainstay.cli import emergencies

    site = call.opened()
    found = emergencies.fixes(site)
    if as_json:
        call.show_json("fixes/1", {"site": site.site.name, "fixes": found})
    else:
        call.show(emergencies.fixes_page(found))


@group.command()
def fix(
    task: call.TaskId,
    id: Annotated[str, typer.Option("--id", metavar="ID", help="Of which emergency; else the newest open one.")] = "",
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="PARAM=VALUE", help="A parameter of the task; may be repeated.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Consent to the printed envelope without being asked.")] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
) -> None:
    """Use a quick fix: keep the evidence that it destroys, then act.

    Only while an emergency is open, and only tasks of `mainstay emergency fixes`. It is an ordinary run: planned, journaled,
    verified. What can be taken back stays so for a day: mainstay rollback RUN.

    \b
    mainstay emergency fix db.cancel --set longer_than=5m \\
      --set 'users=[app]' --dry-run
    mainstay emergency fix logs.rotate
    """
    from mainstay.cli import emergencies

    emergencies.use_fix(task, id, given or (), yes=yes, dry=dry)
