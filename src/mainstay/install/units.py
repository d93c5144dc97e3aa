"""The units of systemd, from what is maintained: what may be written is what the targets need, and nothing else.

The service is confined as far as maintaining real things allows. What stays open, and why: other processes are seen (`host` looks
at them, a log's writer is found by name), memory may be made executable (a private PostgreSQL compiles queries), users keep their
numbers (the kernel says who asks at the socket).

The root unit is started by a connection, for one look or step, and is as confined; what it keeps of root are five capabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from mainstay.model.units import Duration

UNITS = Path("etc/systemd/system")
STARTED = ("mainstay.service", "mainstay-settle.timer")
ROOT_SOCKET, ROOT_SERVICE = "mainstay-root.socket", "mainstay-root@.service"
_SHARED = (Path("/tmp"), Path("/var/tmp"))
_HOMES = (Path("/home"), Path("/root"), Path("/run/user"))


@dataclass(frozen=True)
class Wanted:
    """What is to be installed: the program as words, whose configuration, as which user, what that may write, how it stops."""

    site: str
    program: tuple[str, ...]
    config: Path
    user: str
    state: Path
    writes: tuple[Path, ...] = ()
    stop_within: Duration = Duration(8)
    as_root: tuple[Path, ...] | None = None  # what the root unit may write; None: no target needs it
    root_socket: Path = Path("/run/mainstay-root.sock")


def files(wanted: Wanted) -> dict[Path, str]:
    """Return every file, by its place below the root of the file system."""
    parts = {
        "site": " ".join(wanted.site.replace("%", "%%").split()),
        "call": " ".join(_word(word) for word in (*wanted.program, "--config", str(wanted.config))),
        "sandbox": _sandbox(wanted),
        "stop": f"{ceil(wanted.stop_within) + 7}",
    }
    user = {
        Path("etc/sysusers.d/mainstay.conf"): f'u {wanted.user} - "Mainstay" {_word(str(wanted.state))}\n',
        UNITS / "mainstay.service": _SERVICE.format(**parts),
        UNITS / "mainstay-settle.service": _SETTLE.format(**parts),
        UNITS / "mainstay-settle.timer": _TIMER.format(**parts),
    }
    return user if wanted.as_root is None else {**user, **_root_units(wanted, parts)}


def started(wanted: Wanted) -> tuple[str, ...]:
    """Return the units that are started; the others are started by these."""
    return STARTED if wanted.as_root is None else (ROOT_SOCKET, *STARTED)


def _root_units(wanted: Wanted, parts: dict[str, str]) -> dict[Path, str]:
    writes = wanted.as_root or ()
    parts = {**parts, "user": wanted.user, "listens": _word(str(wanted.root_socket)), "confined": _confined(wanted, writes)}
    return {UNITS / ROOT_SOCKET: _ROOT_SOCKET.format(**parts), UNITS / ROOT_SERVICE: _ROOT_SERVICE.format(**parts)}


def _sandbox(wanted: Wanted) -> str:
    return _SANDBOX.format(user=wanted.user, state=_word(str(wanted.state)), confined=_confined(wanted, wanted.writes))


def _confined(wanted: Wanted, writes: Sequence[Path]) -> str:
    """Return what holds for every unit; homes and shared folders are open only where something of it lies in them."""
    places = (*map(Path, wanted.program[:1]), wanted.config, wanted.state, *writes)
    homes = "read-only" if any(place.is_relative_to(home) for place in places for home in _HOMES) else "yes"
    tmp = "no" if any(place.is_relative_to(one) for place in places for one in _SHARED) else "yes"
    return _CONFINED.format(homes=homes, tmp=tmp, writes=_writable(writes))


def _writable(places: Sequence[Path]) -> str:
    """Return one line for each place; one that is not there, an unmounted disk say, does not keep the service from starting."""
    return "".join(f"ReadWritePaths={_word(f'-{place}')}\n" for place in places)


def _word(text: str) -> str:
    """Return a word as systemd reads it: quoted where it has to be, with nothing in it that is expanded."""
    plain = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{plain}"' if any(letter in text for letter in " \t'\"\\;") else plain


_SERVICE = """\
[Unit]
Description=Mainstay: maintenance of {site}
After=local-fs.target remote-fs.target network.target time-sync.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={call} serve
ExecReload=/bin/sh -c 'kill -HUP "$MAINPID"'
Restart=always
RestartSec=5
WatchdogSec=60
TimeoutStopSec={stop}
# TERM goes to the service alone, which passes it on once to whatever it has under way
KillMode=mixed
# a step that the kernel ends for want of memory is not the end of the service
OOMPolicy=continue
RuntimeDirectory=mainstay
RuntimeDirectoryMode=0755
{sandbox}
[Install]
WantedBy=multi-user.target
"""
_SETTLE = """\
[Unit]
Description=Mainstay: go on with runs of {site} whose process is gone
After=local-fs.target remote-fs.target network.target time-sync.target

[Service]
Type=oneshot
ExecStart={call} settle --every 1m
# 1: a run has ended badly, which the journal tells
SuccessExitStatus=1
TimeoutStopSec=15
KillMode=mixed
OOMPolicy=continue
{sandbox}"""
_TIMER = """\
[Unit]
Description=Mainstay: every minute, whether or not the service lives

[Timer]
OnBootSec=1min
OnUnitInactiveSec=1min
AccuracySec=5s

[Install]
WantedBy=timers.target
"""
_ROOT_SOCKET = """\
[Unit]
Description=Mainstay: where its service asks for steps that need root

[Socket]
ListenStream={listens}
SocketUser={user}
SocketMode=0600
Accept=yes
MaxConnections=16
RemoveOnStop=yes

[Install]
WantedBy=sockets.target
"""
_ROOT_SERVICE = """\
[Unit]
Description=Mainstay: one look or step as root, for {site}
CollectMode=inactive-or-failed

[Service]
ExecStart={call} root --for-user {user}
StandardInput=socket
StandardOutput=journal
StandardError=journal
RuntimeMaxSec=1d
TimeoutStopSec=15
OOMPolicy=continue
StateDirectory=mainstay-root
StateDirectoryMode=0700
UMask=0077
# to read and write what belongs to others, to give it back to them, to find and signal who has it open
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_SYS_PTRACE
MemoryDenyWriteExecute=yes
# root asks nobody outside of this machine; for a target whose address is there, `systemctl edit mainstay-root@` allows it
IPAddressDeny=any
IPAddressAllow=localhost
{confined}SystemCallFilter=~@resources
"""
_SANDBOX = """\
User={user}
UMask=0077
CapabilityBoundingSet=
ReadWritePaths={state}
{confined}"""
_CONFINED = """\
NoNewPrivileges=yes
AmbientCapabilities=
ProtectSystem=strict
{writes}ProtectHome={homes}
PrivateTmp={tmp}
PrivateDevices=yes
PrivateMounts=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged
# a new log keeps its owner
SystemCallFilter=@chown
SystemCallErrorNumber=EPERM
"""
