"""The dead man's heartbeat: an address outside is called while all is well, and whoever watches there notices silence.

All is well when runs were settled and no notice has been tried in vain for an hour: a channel that has died cannot say so itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from mainstay.ledger import heartbeat
from mainstay.ledger.heartbeat import Pinged
from mainstay.model.errors import MainstayError
from mainstay.model.service import Heartbeat
from mainstay.model.task import Site
from mainstay.model.units import Size
from mainstay.notify import outbox
from mainstay.system import http, secrets

_VAIN = timedelta(hours=1)
_EARLY = timedelta(seconds=5)  # a timer that fires each minute is not exact


def ping(site: Site, now: datetime) -> Pinged | None:
    """Call the address if it is time, or keep silent and say why; None when the site has none, or it is not time yet."""
    rule, last = site.heartbeat, heartbeat.pinged(site.state)
    if rule is None or (last and not last.because and timedelta() <= now - last.at < timedelta(seconds=rule.every) - _EARLY):
        return None
    because = _in_vain(site, now) or _called(rule)
    found = Pinged(now, because, (last.well if last else None) if because else now)
    heartbeat.keep(site.state, found)
    return found


def _in_vain(site: Site, now: datetime) -> str:
    stuck = (one for one in outbox.troubles(site.state, now) if one.state == "owed" and one.attempts)
    old = next((one for one in stuck if now - one.notice.at > _VAIN), None)
    return f"left out: a notice was not delivered to {old.lane} for an hour: {old.because}" if old else ""


def _called(rule: Heartbeat) -> str:
    """Call it; "" when it was answered, else why not, without the path, which is its password."""
    try:
        url = secrets.resolve(rule.url).reveal()
        answer = http.fetch(http.Request(url, keep=Size(0)), rule.within)
    except http.NoAnswer as error:
        return f"{'/'.join(url.split('/')[:3])}: {error.because.replace(url, 'it')}"
    except MainstayError as error:
        return error.what
    return "" if 200 <= answer.status < 300 else f"{'/'.join(url.split('/')[:3])}: status {answer.status}"
