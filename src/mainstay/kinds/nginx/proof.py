"""When the maintenance mode is on and when it is off, decided from what was seen."""

from __future__ import annotations

from datetime import datetime, timedelta

from mainstay.kinds.nginx import flag
from mainstay.kinds.nginx.facts import Facts
from mainstay.model.plan import Args
from mainstay.model.units import Duration


def args(facts: Facts, reason: str, lasts: Duration, name: str) -> Args:
    """Return what is pinned of one mode: who has it, what the page says, and until when."""
    until = facts.at.replace(microsecond=0) + timedelta(seconds=lasts)
    lease = until + timedelta(seconds=facts.settings.lease)
    return {
        "owner": name,
        "reason": reason,
        "begun": facts.at.isoformat(timespec="seconds"),
        "until": until.isoformat(),
        "lease": lease.isoformat(),
        "begun_shown": shown(facts.at),
        "until_shown": shown(until),
        "title": facts.settings.title or facts.site,
        "status_link": facts.settings.status_link,
    }


def shown(at: datetime | None) -> str:
    """Return a moment as people read it where nothing better is known."""
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else "nobody knows when"


def not_on(facts: Facts, args: Args) -> str:
    """Return why nobody may say that the mode of these arguments is on; "" when it is seen."""
    date = flag.http_date(datetime.fromisoformat(args["until"]))
    if facts.flag is None or facts.flag.owner != args["owner"]:
        return "its flag is not set"
    dark = next((seen for seen in facts.public if seen.retry_after != date), None)
    shut = next((seen for seen in facts.exempt if seen.retry_after == date), None)
    return str(dark) if dark else f"{shut}, though it is exempt" if shut else ""


def not_off(facts: Facts, args: Args) -> str:
    """Return why nobody may say that it is off; "" when it is gone."""
    date = flag.http_date(datetime.fromisoformat(args["until"]))
    if facts.flag and facts.flag.owner == args["owner"]:
        return "its flag is still set"
    still = next((seen for seen in facts.public if not seen.status or seen.retry_after == date), None)
    return str(still) if still else ""
