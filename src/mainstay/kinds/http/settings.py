"""What to ask, and what is expected of the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from mainstay.model.because import Scalar
from mainstay.model.setting import SecretRef, Setting
from mainstay.model.units import Duration, Share, Size
from mainstay.system.http import origin


@dataclass(frozen=True)
class Expect:
    """What makes an answer a good one."""

    status: Annotated[int | tuple[int, ...], Setting("the status, or a list of those that are good", example="200")] = 200
    json: Annotated[
        dict[str, Scalar],
        Setting("values in a JSON body, by path: names and list positions joined by dots", example="{database.status: up}"),
    ] = field(default_factory=dict)
    body: Annotated[str, Setting("a text that the body holds, letter by letter")] = ""
    within: Annotated[
        Duration | None, Setting("the whole answer comes within this time; later is a warning", example="100ms")
    ] = None

    @property
    def statuses(self) -> tuple[int, ...]:
        """The good statuses, however they were written."""
        return (self.status,) if isinstance(self.status, int) else self.status


@dataclass(frozen=True)
class Tls:
    """How the server's certificate is judged.

    The defaults assume a renewal at two thirds of the lifetime (at half of it below ten days): a warning when it is overdue by
    a tenth of the lifetime, critical when a sixth is left. A fixed number of days would be wrong for short lifetimes.
    """

    verify: Annotated[bool, Setting("accept only a certificate that a known authority has signed for this name")] = True
    ca_file: Annotated[Path | None, Setting("authorities to trust beside none other, PEM", example="/etc/ssl/own-ca.pem")] = None
    left_warning: Annotated[Share, Setting("share of its lifetime that a certificate has left", ge=0, le=1)] = Share(0.23)
    left_warning_short: Annotated[Share, Setting("the same for lifetimes below ten days", ge=0, le=1)] = Share(0.4)
    left_critical: Annotated[Share, Setting("share of its lifetime that is left when it becomes critical", ge=0, le=1)] = Share(
        1 / 6
    )


@dataclass(frozen=True)
class Patience:
    """How long the task `ready` waits, and for what."""

    times: Annotated[int, Setting("how many good answers in a row are asked for", ge=1, le=100)] = 3
    within: Annotated[Duration, Setting("how long that may take", ge=0.1, le=3600)] = Duration(60)
    every: Annotated[Duration, Setting("the pause after a good answer, and the longest after a bad one", ge=0.01, le=60)] = (
        Duration(2)
    )


@dataclass(frozen=True)
class Latency:
    """How many requests a look times, and what is slower than before a run."""

    samples: Annotated[int, Setting("how many requests are timed, one after the other", ge=5, le=1000)] = 20
    warm_up: Annotated[int, Setting("how many are sent before that and not timed", ge=0, le=100)] = 3
    factor: Annotated[
        float, Setting("how many times as long as before, or as is usual at this hour, is worse", ge=1.05, le=100, example="1.5")
    ] = 2.0
    at_least: Annotated[Duration, Setting("and that is longer by at least this much, so that trifles are none", ge=0)] = Duration(
        0.02
    )
    within: Annotated[Duration, Setting("the most that all of them take together; then fewer count", ge=1)] = Duration(30)

    def limit(self, before: Duration) -> Duration:
        """Return the longest time that is no slower than one before."""
        return Duration(max(before * self.factor, before + self.at_least))


@dataclass(frozen=True)
class Settings:
    """One URL that is asked."""

    url: Annotated[str, Setting("what is asked; http or https, without a password", example="http://localhost:8000/health")]
    expect: Annotated[Expect, Setting("what makes an answer a good one", example="{status: 200, within: 100ms}")] = field(
        default_factory=Expect
    )
    method: Annotated[Literal["GET", "HEAD"], Setting("HEAD asks for the headers only")] = "GET"
    headers: Annotated[
        dict[str, str | SecretRef],
        Setting("headers to send; a secret one is sent to no other host", example="{Authorization: {file: /run/secrets/api}}"),
    ] = field(default_factory=dict)
    timeout: Annotated[Duration, Setting("the most that name lookup, connection, TLS and answer take together", ge=0.01)] = (
        Duration(10)
    )
    redirects: Annotated[int, Setting("how many redirects are followed; 0 judges the redirect itself", ge=0, le=20)] = 0
    keep: Annotated[Size, Setting("the most of a body that is read", ge=1, le=64 << 20)] = Size(1 << 20)
    tls: Annotated[Tls, Setting("how the certificate is judged")] = field(default_factory=Tls)
    latency: Annotated[
        Latency | None, Setting("time many requests at each look, and compare after a run", example="{samples: 50, factor: 1.5}")
    ] = None
    ready: Annotated[Patience, Setting("how long the task `ready` waits, and for what", example="{times: 3, within: 2m}")] = (
        field(default_factory=Patience)
    )

    def __post_init__(self) -> None:
        """Refuse what cannot be asked or could never be judged."""
        origin(self.url)
        if self.method == "HEAD" and (self.expect.body or self.expect.json):
            raise ValueError("the answer to HEAD has no body: expect neither body nor json, or use method: GET")
