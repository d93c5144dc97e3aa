"""What one long-lived process does beside runs: how many at once, how often it looks, and who may ask it for what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from mainstay.model.setting import SecretRef, Setting
from mainstay.model.units import Duration

Right = Literal["look", "run", "sign", "cancel"]


def address(text: str) -> tuple[str, int]:
    """Read `127.0.0.1:8640` or `[::1]:8640`; ValueError for anything but an address of loopback and a port."""
    from ipaddress import ip_address

    host, _, port = text.rpartition(":")
    plain = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        known = ip_address(plain)
    except ValueError as error:
        raise ValueError(f"page: {text!r} is not an address and a port, such as 127.0.0.1:8640 or '[::1]:8640'") from error
    if not known.is_loopback:
        raise ValueError(f"page: {plain} can be reached from elsewhere; write 127.0.0.1:PORT, and let a web server ask for names")
    if (known.version == 6) != (plain != host):
        raise ValueError(
            f"page: write {text!r} as '[{plain}]:{port}'" if known.version == 6 else f"page: no brackets in {text!r}"
        )
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(f"page: {port!r} is not a port from 1 to 65535")
    return plain, int(port)


@dataclass(frozen=True)
class Serve:
    """How `mainstay serve` works."""

    runs_at_once: Annotated[int, Setting("how many runs may be under way at once; what is due waits", ge=1, le=64)] = 2
    retry: Annotated[
        Duration, Setting("how long to wait before a routine that a gate refused is tried again in its slot; doubles", ge=1)
    ] = Duration(60)
    stop_within: Annotated[
        Duration, Setting("how long steps under way may go on when the service is to stop, before they are killed", ge=1, le=3600)
    ] = Duration(8)
    socket: Annotated[
        Path | None,
        Setting("where other users ask; empty: in the runtime folder, else in the state folder", example="/run/m.sock"),
    ] = None
    root: Annotated[Path, Setting("where the root unit listens, which does the steps of targets with `privilege: root`")] = Path(
        "/run/mainstay-root.sock"
    )
    page: Annotated[
        str,
        Setting(
            "address and port of the page, on loopback only: all users of this machine can read it", example="127.0.0.1:8640"
        ),
    ] = ""

    def __post_init__(self) -> None:
        """Refuse an address that others than this machine can reach."""
        if self.page:
            address(self.page)


@dataclass(frozen=True)
class Checks:
    """How often `mainstay serve` looks at every target."""

    every: Annotated[Duration, Setting("time from one look to the next", ge=10, example="5m")] = Duration(300)


@dataclass(frozen=True)
class Heartbeat:
    """An address outside that is called while all is well, so that silence is noticed there."""

    url: Annotated[SecretRef, Setting("the address, whose path is its password", example="{file: /etc/mainstay/ping}")]
    every: Annotated[Duration, Setting("how often", ge=60, example="5m")] = Duration(300)
    within: Annotated[Duration, Setting("how long its answer is waited for", ge=1, le=60)] = Duration(10)


@dataclass(frozen=True)
class Role:
    """What some users of this machine may ask a service for. Root and the service's own user may ask for everything."""

    users: Annotated[tuple[str, ...], Setting("names of users", example="[alice]")] = ()
    groups: Annotated[tuple[str, ...], Setting("names of groups, of which a user has to be a member", example="[ops]")] = ()
    may: Annotated[tuple[Right, ...], Setting("what they may ask for", example="[look, run]")] = ("look",)

    def __post_init__(self) -> None:
        """Refuse a role that nobody has."""
        if not self.users and not self.groups:
            raise ValueError("name users, groups or both")
