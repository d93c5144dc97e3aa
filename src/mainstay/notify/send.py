"""The ways of a notice to people; each returns when the other side has it, or says whether to try again."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import urlencode

from mainstay.model.channel import Apprise, Channel, Slack, Sms, Smtp, Webhook
from mainstay.model.codec import encode
from mainstay.model.errors import ConfigError, DeadlinePassed, MainstayError, Unreachable
from mainstay.model.notice import Lane, Notice
from mainstay.model.setting import SecretRef
from mainstay.model.units import Duration, Size
from mainstay.report.document import clean
from mainstay.system import bounded, http, secrets, smtp
from mainstay.system.secrets import Secret

_NEVER = frozenset({400, 413, 415, 422})  # what is wrong with this notice, and will be wrong again
_ANSWER = Size(4096)
_JSON = {"Content-Type": "application/json"}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_SLACK = 3000  # characters: a message is cut beyond


class Never(MainstayError):
    """The other side will not take this notice however often it is offered."""


class Busy(Unreachable):
    """The other side asks to be left alone for so long (Retry-After, RFC 9110)."""

    def __init__(self, where: str, because: str, pause: Duration) -> None:
        super().__init__("the notice is not taken", on=where, because=f"{because}; asks for a pause of {pause}")
        self.pause = pause


def lanes(channel: Channel) -> tuple[Lane, ...]:
    """Return the queues of a channel: every recipient has one, so that a full mailbox keeps nobody else waiting."""
    way = channel.shape.way
    return tuple(Lane(channel.name, to) for to in way.to) if isinstance(way, Smtp | Sms) else (Lane(channel.name),)


def send(channel: Channel, lane: Lane, site: str, notice: Notice) -> str:
    """Hand a notice over and return the other side's receipt; Never, or any other MainstayError when it may be tried again."""
    way, within = channel.shape.way, Duration(channel.shape.within)
    if isinstance(way, Smtp):
        taken = _mail(way, lane.recipient, mail(way, lane.recipient, site, notice), within)
        return f"{taken}, <{name(site, notice)}@{_domain(way)}>"
    if isinstance(way, Slack):
        return _post(secrets.resolve(way.url).reveal(), _JSON, _slack(notice), within)
    if isinstance(way, Webhook):
        return _call(way, site, notice, within)
    if isinstance(way, Sms):
        headers: dict[str, str | Secret] = {
            **(_FORM if way.form else _JSON),
            **{key: secrets.resolve(ref) for key, ref in way.headers.items()},
        }
        return _post(way.url, headers, _short(way, lane.recipient, notice), within)
    return _through(way, notice, within)


def written(channel: Channel, lane: Lane, site: str, notice: Notice) -> str:
    """Return exactly what would be handed over, without what is secret."""
    way = channel.shape.way
    if isinstance(way, Smtp):
        return mail(way, lane.recipient, site, notice).decode("utf-8", "replace").replace("\r\n", "\n")
    if isinstance(way, Sms):
        return _short(way, lane.recipient, notice).decode()
    if isinstance(way, Apprise):
        return f"{notice.subject}\n\n{notice.text}"
    return (_slack(notice) if isinstance(way, Slack) else _posted(site, notice)).decode()


def name(site: str, notice: Notice) -> str:
    """Name a notice: the same whenever and wherever it is sent, so that a duplicate is known as one."""
    return hashlib.sha256(f"{site}\n{notice.id}".encode()).hexdigest()[:40]


def mail(way: Smtp, recipient: str, site: str, notice: Notice) -> bytes:
    """Write a message (RFC 5322); that it is automatic keeps it from being answered by other automata (RFC 3834)."""
    message = EmailMessage(SMTP)
    message["From"], message["To"], message["Subject"] = way.sender, recipient, notice.subject
    message["Date"] = format_datetime(notice.at)
    message["Message-ID"] = f"<{name(site, notice)}@{_domain(way)}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Mainstay-Notice"] = notice.sort
    message.set_content(f"{notice.text}\n")
    if notice.invitation:
        method = "CANCEL" if "METHOD:CANCEL" in notice.invitation else "PUBLISH"
        message.add_attachment(notice.invitation, subtype="calendar", filename="maintenance.ics", params={"method": method})
        message.set_boundary(f"=_{name(site, notice)}")  # else every copy has another
    return message.as_bytes()


def _mail(way: Smtp, recipient: str, message: bytes, within: Duration) -> str:
    password = secrets.resolve(way.password) if way.password else None
    server = smtp.Server(way.host, way.port, way.tls, way.ca_file, way.user, password)
    try:
        return smtp.hand_over(server, way.sender, recipient, message, within)
    except smtp.Rejected as error:
        raise Never(error.what, on=error.on, because=error.because) from None


def _domain(way: Smtp) -> str:
    return way.sender.rpartition("@")[2]


def _call(way: Webhook, site: str, notice: Notice, within: Duration) -> str:
    body = _posted(site, notice)
    headers: dict[str, str | Secret] = {**_JSON, "Idempotency-Key": name(site, notice)}
    headers |= {key: secrets.resolve(ref) for key, ref in way.headers.items()}
    if way.secret:
        headers["X-Mainstay-Signature"] = f"sha256={_signature(way.secret, body)}"
    return _post(way.url, headers, body, within)


def _through(way: Apprise, notice: Notice, within: Duration) -> str:
    url = secrets.resolve(way.url).reveal()
    scheme = url.partition("://")[0].lower()
    if scheme not in way.schemes:
        raise ConfigError(f"the scheme {clean(scheme, 20)!r} is not allowed", next="name it in `schemes` of the channel")
    try:
        from apprise import Apprise as Service
    except ImportError:
        raise ConfigError("Apprise is not installed", next="pip install 'mainstay[apprise]'") from None
    service = Service()
    if not service.add(url):
        raise ConfigError("Apprise does not understand the address", next="look at the secret of the channel")
    try:
        taken = bounded.within(within, "apprise", lambda: service.notify(title=notice.subject, body=notice.text))
    except DeadlinePassed as error:
        raise Unreachable("no answer", on=scheme, because=error.because) from None
    if not taken:
        raise Unreachable("the service did not take it", on=scheme, because="Apprise reports a failure")
    return "taken"


def _slack(notice: Notice) -> bytes:
    """Write what Slack takes; three characters are its own (api.slack.com, formatting text)."""
    text = f"*{notice.subject}*\n{notice.text}"
    escaped = text[:_SLACK].replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return json.dumps({"text": escaped}, ensure_ascii=False).encode()


def _short(way: Sms, number: str, notice: Notice) -> bytes:
    """Write what a gateway takes: the subject, and of the text as much as there is room for."""
    words = " ".join(notice.text.partition("\n-- ")[0].split())
    text = clean(f"{notice.subject}. {words}" if words else notice.subject, way.length)
    told = {key: value.replace("{to}", number).replace("{text}", text) for key, value in way.fields.items()}
    return (urlencode(told) if way.form else json.dumps(told, ensure_ascii=False)).encode()


def _posted(site: str, notice: Notice) -> bytes:
    told = {key: value for key, value in encode(notice).items() if key != "until"}
    return json.dumps({"schema": "mainstay.notice/1", "site": site, **told}, ensure_ascii=False).encode()


def _signature(ref: SecretRef, body: bytes) -> str:
    return hmac.new(secrets.resolve(ref).reveal().encode(), body, hashlib.sha256).hexdigest()


def _post(url: str, headers: Mapping[str, str | Secret], body: bytes, within: Duration) -> str:
    """Post and return the answer; a redirect is not followed: what is posted goes where the configuration says, or nowhere."""
    where = "/".join(url.split("/")[:3])  # the path of a webhook is its password
    try:
        answer = http.fetch(http.Request(url, "POST", headers, body, keep=_ANSWER), within)
    except http.NoAnswer as error:
        raise Unreachable("no answer", on=where, because=error.because.replace(url, where)) from None
    if 200 <= answer.status < 300:
        return f"status {answer.status}"
    said = clean(answer.body.decode("utf-8", "replace"), 100).strip().replace(url, where)
    because = f"status {answer.status}" + (f": {said}" if said else "")
    if answer.status in _NEVER:
        raise Never("the notice is not taken", on=where, because=because)
    pause = answer.header("Retry-After") or ""
    if re.fullmatch(r"[0-9]{1,6}", pause):
        raise Busy(where, because, Duration(pause))
    raise Unreachable("the notice is not taken", on=where, because=because)
