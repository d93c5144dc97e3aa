"""What is seen of an nginx: the flag, what it answers from outside, and its configuration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mainstay.kinds.nginx.settings import Settings


@dataclass(frozen=True)
class Flag:
    """The flag that is set. `owner` is the run and task that set it, "" when nobody can tell; `owned` while that run is open."""

    owner: str
    reason: str = ""
    begun: datetime | None = None
    until: datetime | None = None
    lease: datetime | None = None
    owned: bool = False


@dataclass(frozen=True)
class Seen:
    """One answer from outside: its status, 0 for none, and the Retry-After of a 503."""

    url: str
    status: int = 0
    retry_after: str = ""
    problem: str = ""

    def __str__(self) -> str:
        return f"{self.url} answers {self.status}" if self.status else f"{self.url} does not answer: {self.problem}"


@dataclass(frozen=True)
class Configuration:
    """The configuration as nginx reads it; `problem` is what its own test says against it, None contents: no such file."""

    http: str | None = None
    server: str | None = None
    problem: str = ""
    servers: int = 0  # server blocks
    includes: int = 0  # of them, so many include the file that Mainstay writes
    loaded: tuple[str, ...] = ()  # the versions of both files that the public URLs tell


@dataclass(frozen=True)
class Facts:
    """What one look showed; what a task does not need is not looked at."""

    at: datetime
    target: str
    site: str
    settings: Settings
    flag: Flag | None = None
    public: tuple[Seen, ...] = ()
    exempt: tuple[Seen, ...] = ()
    configuration: Configuration | None = None
