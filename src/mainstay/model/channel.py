"""Channels: where notices go, each declared as its settings are, and the sorts of notices."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_args

from mainstay.model.setting import SecretRef, Setting
from mainstay.model.target import Origin
from mainstay.model.units import Duration

Sort = Literal[
    "lead",
    "status",
    "overrun",
    "all_clear",
    "degraded",
    "failed",
    "check",
    "refused",
    "waiting",
    "cancelled",
    "emergency",
    "drill",
]
SORTS: tuple[Sort, ...] = get_args(Sort)
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_NUMBER = re.compile(r"\+[1-9][0-9]{5,14}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_SERVICES = (
    *("discord", "gotify", "gotifys", "json", "jsons", "mailto", "mailtos", "matrix", "matrixs", "mmost", "mmosts", "msteams"),
    *("ntfy", "ntfys", "opsgenie", "pagerduty", "pover", "rocket", "rockets", "signal", "signals", "sinch", "slack", "sns"),
    *("tgram", "twilio", "vonage", "workflows", "xml", "xmls"),
)


@dataclass(frozen=True)
class Smtp:
    """Mail through a server; each recipient gets a message of its own."""

    host: Annotated[str, Setting("the mail server", example="mail.example.org")]
    sender: Annotated[str, Setting("the address in From", example="mainstay@example.org")]
    to: Annotated[tuple[str, ...], Setting("who gets it", example="[ops@example.org]")]
    port: Annotated[int, Setting("the port of the mail server", ge=1, le=65535)] = 587
    tls: Annotated[Literal["starttls", "implicit", "none"], Setting("how the connection is encrypted")] = "starttls"
    ca_file: Annotated[Path | None, Setting("authorities that sign for the server, instead of the system's")] = None
    user: Annotated[str, Setting("the name to log in with; without it there is no login")] = ""
    password: Annotated[SecretRef | None, Setting("the password of that user")] = None

    def __post_init__(self) -> None:
        """Refuse what is no address, and a password that anybody on the way could read."""
        if not self.to:
            raise ValueError("nobody would get it: `to` is empty")
        for address in (self.sender, *self.to):
            if not _ADDRESS.fullmatch(address):
                raise ValueError(f"{address!r} is not a mail address, such as ops@example.org")
        if len(set(self.to)) < len(self.to):
            raise ValueError("an address is in `to` twice")
        if bool(self.user) != bool(self.password):
            raise ValueError("`user` and `password` belong together")
        if self.password and self.tls == "none" and self.host not in _LOOPBACK:
            raise ValueError("a password is not sent without encryption: write tls: starttls or implicit")


@dataclass(frozen=True)
class Slack:
    """An incoming webhook of Slack, or of what speaks like it (Mattermost, Rocket.Chat)."""

    url: Annotated[SecretRef, Setting("the address of the webhook, which is its password", example="{file: /run/secrets/slack}")]


@dataclass(frozen=True)
class Webhook:
    """A program of your own that takes JSON by POST."""

    url: Annotated[str, Setting("where the notice is posted", example="https://example.org/notices")]
    headers: Annotated[dict[str, SecretRef], Setting("further headers, whose values are secrets")] = field(default_factory=dict)
    secret: Annotated[SecretRef | None, Setting("signs the body: X-Mainstay-Signature is its HMAC-SHA256")] = None

    def __post_init__(self) -> None:
        """Refuse what HTTP cannot carry."""
        if not re.fullmatch(r"https?://[^\s@]+", self.url):
            raise ValueError("the url begins with http:// or https:// and holds no user name")
        if wrong := [name for name in self.headers if not _HEADER.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is not the name of a header")


@dataclass(frozen=True)
class Sms:
    """A gateway that sends a short text to a telephone, by one HTTP request for each number."""

    url: Annotated[str, Setting("where the gateway takes a text", example="https://sms.example.org/messages")]
    to: Annotated[tuple[str, ...], Setting("the numbers", example="['+49301234567']")]
    fields: Annotated[
        dict[str, str], Setting("what is posted; {to} and {text} are put in", example="{To: '{to}', Body: '{text}'}")
    ] = field(default_factory=lambda: {"to": "{to}", "text": "{text}"})
    form: Annotated[bool, Setting("post the fields as a form instead of as JSON")] = False
    headers: Annotated[dict[str, SecretRef], Setting("further headers, whose values are secrets")] = field(default_factory=dict)
    length: Annotated[int, Setting("characters of a text; the rest is cut off", ge=40, le=1600)] = 160

    def __post_init__(self) -> None:
        """Refuse what no gateway understands."""
        if not re.fullmatch(r"https?://[^\s@]+", self.url):
            raise ValueError("the url begins with http:// or https:// and holds no user name")
        if wrong := [name for name in self.headers if not _HEADER.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is not the name of a header")
        if not self.to or len(set(self.to)) < len(self.to):
            raise ValueError("`to` names each number once, and at least one")
        if wrong := [number for number in self.to if not _NUMBER.fullmatch(number)]:
            raise ValueError(f"{wrong[0]!r} is not a number in the international form, such as +49301234567")
        if not any("{text}" in value for value in self.fields.values()):
            raise ValueError("no field holds {text}")


@dataclass(frozen=True)
class Apprise:
    """Whatever Apprise reaches (chats, SMS gateways); needs the extra `apprise`."""

    url: Annotated[SecretRef, Setting("an Apprise address, such as tgram://TOKEN/CHAT", example="{file: /run/secrets/telegram}")]
    schemes: Annotated[tuple[str, ...], Setting("the schemes that are allowed")] = _SERVICES


Way: TypeAlias = Smtp | Slack | Webhook | Sms | Apprise


@dataclass(frozen=True)
class ChannelShape:
    """One way to people: exactly one of `smtp`, `slack`, `webhook`, `sms`, `apprise`."""

    smtp: Annotated[Smtp | None, Setting("mail")] = None
    slack: Annotated[Slack | None, Setting("a Slack-compatible webhook")] = None
    webhook: Annotated[Webhook | None, Setting("a plain webhook")] = None
    sms: Annotated[Sms | None, Setting("short texts through a gateway")] = None
    apprise: Annotated[Apprise | None, Setting("one of the services of Apprise")] = None
    gets: Annotated[tuple[Sort, ...], Setting("which notices; all by default", example="[failed, waiting, emergency]")] = SORTS
    hourly: Annotated[
        int, Setting("how many messages each recipient gets in an hour at most; the last one holds all that wait", ge=1)
    ] = 60
    within: Annotated[int, Setting("seconds that one delivery may take", ge=1, le=300)] = 30
    confirm: Annotated[
        Duration | None, Setting("how soon a person has to confirm the code of a `mainstay notify drill`", ge=60, example="24h")
    ] = None

    def __post_init__(self) -> None:
        """Refuse a channel that leads nowhere, or to two places."""
        if len([way for way in self.ways if way]) != 1:
            raise ValueError("write exactly one of smtp, slack, webhook, sms, apprise")

    @property
    def ways(self) -> tuple[Way | None, ...]:
        """All of them, of which one is written."""
        return self.smtp, self.slack, self.webhook, self.sms, self.apprise

    @property
    def way(self) -> Way:
        """The one that is written."""
        return next(way for way in self.ways if way)  # __post_init__ saw to it


@dataclass(frozen=True)
class Channel:
    """A channel by its name, with the lines of its settings."""

    name: str
    shape: ChannelShape
    origin: Origin | None = None
    origins: dict[str, Origin] = field(default_factory=dict)
