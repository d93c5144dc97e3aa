"""Choosing a backup to restore, and a restore that ends with the copy in the place of the live target."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mainstay.cli import call
from mainstay.cli.repository import readable, words
from mainstay.model.errors import ConfigError, Refused
from mainstay.model.task import Routine
from mainstay.model.units import Duration
from mainstay.report.document import Cell, Document, Paragraph, Section, plural, table
from mainstay.report.quantity import ago, moment

if TYPE_CHECKING:
    from mainstay.app import App


@dataclass(frozen=True)
class Wanted:
    """What a person asked for on the command line."""

    target: str
    into: str = ""
    only: str = ""
    backup: str = "latest"
    before: str = ""


def points(site: App, safe: str, target: str, *, as_json: bool) -> None:
    """Show from what a target can be restored, the newest first, and how long that would take."""
    entries = _entries(site, safe, target)[::-1]
    if as_json:
        found = [{**vars(one), "level": level(one), "estimate": estimate(one, entries)} for one in entries]
        call.show_json("points/1", {"repository": safe, "target": target, "points": found})
        return
    at = call.now(site.site)
    rows = [
        (Cell(one.id), Cell(moment(one.created, at)), Cell(ago(one.created, at)), Cell(str(one.raw)), _level(one),
         Cell(str(estimate(one, entries) or "nobody knows")))
        for one in entries
    ]  # fmt: skip
    columns = table(("backup", "made", "age", "#size", "proof", "#restore takes"), rows)
    blocks = (columns,) if entries else (Paragraph("No backup yet: mainstay backup now", "warn"),)
    call.show(Document(f"Restore points of {target}", Cell(plural(len(entries), "backup")), "", sections=(Section("", blocks),)))


def beside(site: App, safe: str, wanted: Wanted) -> Routine:
    """Return the routine that restores a backup beside the live target, or where it is wanted."""
    chosen = choose(site, _entries(site, safe, wanted.target), wanted)
    backup = chosen.id if wanted.before else wanted.backup
    given = {"target": wanted.target, "into": wanted.into, "only": wanted.only, "backup": backup}
    return site.routine(f"{safe}.restore", words({name: value for name, value in given.items() if value}))


def exchange(site: App, safe: str, wanted: Wanted) -> Routine:
    """Return the routine that restores a backup and puts the copy in place; one that lies there already is not made again."""
    if wanted.into or wanted.only:
        raise ConfigError(
            "only the copy of a whole backup beside the live one can take its place", next="leave out --into and --only"
        )
    target, entries = wanted.target, _entries(site, safe, wanted.target)
    chosen = choose(site, entries, wanted)
    seen, _ = site.why(f"{safe}.drop_old")
    if not seen.living(target).there:
        back = f"mainstay restore {target} --into ITS_NAME puts it back"
        raise Refused("there is nothing to exchange a copy with", on=target, because="it is not there", next=back)
    there = next((one for one in reversed(seen.there(target, "restored")) if one.backup == chosen.id), None)
    if there:
        age = ago(there.at, call.now(site.site))
        call.say(f"The copy {there.place} was restored {age}; it is not made again, and what was changed in it since stays so.")
        return _then_checked(
            site, f"restore-{target}", site.routine(f"{safe}.swap", words({"target": target, "copy": there.place}))
        )
    call.say(f"Restoring {chosen.id} takes about {estimate(chosen, entries) or 'nobody knows how long'}.")
    params = words({"target": target, "backup": chosen.id})
    [restore], [swap] = site.routine(f"{safe}.restore", params).tasks, site.routine(f"{safe}.swap", params).tasks
    return _then_checked(site, f"restore-{target}", Routine("", (restore, replace(swap, needs=(restore.id,)))))


def reverse(site: App, safe: str, wanted: Wanted) -> Routine:
    """Return the routine that puts back what a copy has replaced."""
    return _then_checked(site, f"reverse-{wanted.target}", site.routine(f"{safe}.unswap", words({"target": wanted.target})))


def choose(site: App, entries: tuple[Any, ...], wanted: Wanted) -> Any:
    """Return the backup that is meant: by its id, else the newest proven one, of all or of those made before a moment."""
    if wanted.backup != "latest":
        found = [one for one in entries if one.id.startswith(wanted.backup)]
        if len(found) != 1:
            many = plural(len(found), "backup")
            raise ConfigError(
                f"{many} with an id that begins with {wanted.backup}", next=f"mainstay restore {wanted.target} --list"
            )
        return found[0]
    limit = _moment(site, wanted.before) if wanted.before else None
    proven = [one for one in entries if one.proven and (limit is None or one.created < limit)]
    if not proven:
        when = f" that was made before {wanted.before}" if wanted.before else ""
        raise Refused(f"no backup{when} was ever proven", next="mainstay backup prove, or name one: --backup ID")
    return proven[-1]


def estimate(entry: Any, others: tuple[Any, ...]) -> Duration | None:
    """Return how long a restore takes: as the last proof of that backup did; else by its size, as fast as other proofs."""
    if entry.rebuilt is not None:
        return Duration(entry.rebuilt)
    rates = [one.rebuilt / one.raw for one in others if one.rebuilt is not None and one.raw]
    return Duration(median(rates) * entry.raw) if rates else None


def level(entry: Any) -> str:
    """Return how well a backup is known."""
    if entry.missing:
        return "incomplete"
    if entry.differences:
        return "failed"
    return "restored" if entry.proven else "read" if entry.read else "complete"


def _level(entry: Any) -> Cell:
    said = level(entry)
    return Cell(said, "good" if said == "restored" else "bad" if said in ("incomplete", "failed") else "warn")


def _entries(site: App, safe: str, target: str) -> tuple[Any, ...]:
    facts = readable(site, safe)
    found: tuple[Any, ...] = facts.of(target)
    if not found and target not in facts.settings.of:
        raise ConfigError(f"{safe} holds no backups of {target!r}", next=f"it backs up {', '.join(facts.settings.of)}")
    return found


def _then_checked(site: App, name: str, routine: Routine) -> Routine:
    """Add the check of the target: it is looked at before and after, and a copy that fails it is taken back."""
    target = routine.tasks[-1].params.target
    tasks = site.context.kind(site.site.targets[target]).names
    checks = site.routine(f"{target}.check").tasks if "check" in tasks else ()
    return Routine(name, (*routine.tasks, *checks))


def _moment(site: App, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is not a moment", next="write it as 2026-11-27 02:15") from error
    return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(site.site.timezone))
