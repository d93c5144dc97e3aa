"""Occasions in words: text templates, of the package or of the configuration, and an invitation for calendar programs."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mainstay.model.channel import Sort
from mainstay.model.notice import Notice
from mainstay.model.task import Site
from mainstay.model.units import Duration
from mainstay.notify.occasion import Occasion
from mainstay.notify.redact import redacted
from mainstay.report.document import clean

if TYPE_CHECKING:
    from jinja2 import Environment

SUBJECT, LINE, LINES = 150, 400, 200
_DATE = "%a %Y-%m-%d %H:%M %Z"


def notice(site: Site, occasion: Occasion) -> Notice:
    """Return the notice of an occasion; a template that fails is replaced by the package's, and the notice says so."""
    values = {**occasion.facts, "site": site.name, "contact": site.contact, "on": occasion.on, "at": occasion.at}
    text = redacted(site, _worded(site, occasion.sort, {key: _harmless(value) for key, value in values.items()}))
    subject, _, rest = text.strip().partition("\n")
    lines = [clean(line.rstrip(), LINE) for line in rest.strip().splitlines()[:LINES]]
    body = "\n".join([*lines, "", *_foot(site, occasion)])
    invitation = _invitation(site, occasion) if "key" in occasion.facts else ""
    return Notice(occasion.id, occasion.sort, occasion.at, clean(subject, SUBJECT), body, occasion.until, invitation)


def _worded(site: Site, sort: Sort, values: dict[str, Any]) -> str:
    """Return the first wording that can be had: no template keeps a notice, and those behind it, from being sent."""
    from jinja2 import TemplateError

    environment, remarks = _environment(site.timezone), ""
    for own in filter(None, (site.notice_templates.get(sort), f"{sort}.j2")):
        try:
            text = own.read_text(encoding="utf-8") if isinstance(own, Path) else ""
            found = environment.from_string(text) if text else environment.get_template(str(own))
            return found.render(values) + remarks
        except (TemplateError, OSError, ValueError, TypeError, ArithmeticError, LookupError) as error:
            remarks += f"\n(The template {own} could not be used: {error})"
    return f"{values['site']}: {sort.replace('_', ' ')}: {values['on']}\n{remarks}"


@cache
def _environment(timezone: str) -> Environment:
    from jinja2 import PackageLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    found = ImmutableSandboxedEnvironment(
        loader=PackageLoader("mainstay.notify"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    zone = ZoneInfo(timezone)
    found.filters["local"] = lambda value: _moment(value).astimezone(zone).strftime(_DATE)
    found.filters["length_of"] = lambda value: str(Duration(value))
    return found


def _harmless(value: Any) -> Any:
    """A text stays on its line and drives no terminal, whatever a program printed into it."""
    if isinstance(value, dict):
        return {key: _harmless(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_harmless(item) for item in value]
    return clean(value, LINE) if isinstance(value, str) else value


def _moment(value: str | datetime) -> datetime:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _foot(site: Site, occasion: Occasion) -> list[str]:
    head = [f"ledger head {occasion.head}"] if occasion.head else []
    return ["-- ", f"Mainstay at {clean(site.name)}, times in {site.timezone}", *head]


def _invitation(site: Site, occasion: Occasion) -> str:
    """Write what calendar programs read; the UID is that of the feed of `mainstay windows --ical`, so both are one entry."""
    from icalendar import Calendar, Event

    facts, gone = occasion.facts, occasion.sort == "cancelled"
    found, event = Calendar(), Event()
    found.add("prodid", "-//mainstay//notices//EN")
    found.add("version", "2.0")
    found.add("method", "CANCEL" if gone else "PUBLISH")
    event.add("uid", f"{facts['routine']}.{facts['key']}@{site.name}")
    event.add("dtstamp", occasion.at)
    event.add("dtstart", _moment(facts["start"]))
    event.add("dtend", _moment(facts["end"]))
    event.add("summary", clean(f"{site.name}: {facts['routine']}"))
    event.add("description", clean(f"Impact at most: {facts['impact'].replace('_', ' ')}. {facts['advice']}".strip(), LINE))
    event.add("status", "CANCELLED" if gone else "CONFIRMED")
    event.add("sequence", int(gone))
    found.add_component(event)
    return str(found.to_ical().decode())
