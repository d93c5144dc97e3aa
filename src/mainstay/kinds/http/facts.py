"""What an answer showed: enough to judge it, and nothing of its content but what was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay.kinds.http.latency import Pace
from mainstay.kinds.http.settings import Tls
from mainstay.model.because import Scalar
from mainstay.model.units import Duration, Share, Size
from mainstay.system.http import Certificate, Timings


@dataclass(frozen=True)
class Value:
    """A value that was expected in the JSON body, and what is there; `problem` says why nothing is."""

    path: str
    expected: Scalar
    found: Scalar = None
    problem: str = ""


@dataclass(frozen=True)
class Answer:
    """A complete answer. `text_found` is None when no text was expected; `url` is where redirects ended."""

    url: str
    status: int
    size: Size
    cut: bool
    timings: Timings
    values: tuple[Value, ...] = ()
    text_found: bool | None = None


@dataclass(frozen=True)
class Failure:
    """No complete answer: how far it came, and why it ended there."""

    stage: str
    reason: str


@dataclass(frozen=True)
class Facts:
    """One question and what came of it, beside what was expected."""

    at: datetime
    url: str
    statuses: tuple[int, ...]
    within: Duration | None
    text: str
    tls: Tls
    answer: Answer | None = None
    failure: Failure | None = None
    certificate: Certificate | None = None
    pace: Pace | None = None

    @property
    def lifetime_left(self) -> Share | None:
        """The share of the certificate's lifetime that is left, 0 when it has expired."""
        if not self.certificate:
            return None
        lifetime = (self.certificate.not_after - self.certificate.not_before).total_seconds()
        left = (self.certificate.not_after - self.at).total_seconds()
        return Share(min(1.0, max(0.0, left / max(1.0, lifetime))))
