"""Which containers are looked at, and what is expected of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from mainstay.model.setting import Setting
from mainstay.model.units import Duration

FATAL = ("FATAL", "panic: ", "Traceback (most recent call last)", "Out of memory", "segmentation fault")
HARMLESS = ("the database system is starting up",)


@dataclass(frozen=True)
class Patience:
    """How long the task `ready` waits for the services, and how long it stays with them."""

    within: Annotated[Duration, Setting("how long they may take until all are healthy", ge=0.1, le=3600)] = Duration(120)
    steady: Annotated[Duration, Setting("how long they then stay healthy and are not restarted", ge=0, le=3600)] = Duration(10)
    every: Annotated[Duration, Setting("the pause between two looks", ge=0.1, le=60)] = Duration(1)
    fatal: Annotated[tuple[str, ...], Setting("texts in the log since a container was started that mean it is not well")] = FATAL
    harmless: Annotated[tuple[str, ...], Setting("texts that make such a line harmless")] = HARMLESS


@dataclass(frozen=True)
class Settings:
    """The services of a Compose project, or containers by name."""

    project: Annotated[
        str, Setting("the Compose project; without it that of `compose`, else `services` are names of containers", example="shop")
    ] = ""
    compose: Annotated[
        tuple[Path, ...],
        Setting(
            "the Compose files that declare the services, as `docker compose -f` gets them", example="[/srv/shop/compose.yaml]"
        ),
    ] = ()
    profiles: Annotated[tuple[str, ...], Setting("the profiles of the Compose files that are in use", example="[mail]")] = ()
    services: Annotated[
        tuple[str, ...], Setting("services that must run; without them, whatever the project has", example="[web, api, db]")
    ] = ()
    jobs: Annotated[
        tuple[str, ...], Setting("services that do their work and end, beside those of which a Compose file says so")
    ] = ()
    max_restarts: Annotated[int, Setting("restarts since the previous look that are no remark", ge=0)] = 0
    ready: Annotated[Patience, Setting("how long the task `ready` waits", example="{within: 5m, steady: 30s}")] = field(
        default_factory=Patience
    )
    engine: Annotated[str, Setting("address of the engine, if not the usual one", example="unix:///run/docker.sock")] = ""
    timeout: Annotated[Duration, Setting("how long the engine may take to answer", ge=0.1)] = Duration(10)

    def __post_init__(self) -> None:
        """Refuse a target of which nobody could say what belongs to it."""
        if not self.project and not self.services and not self.compose:
            raise ValueError("write `project`, `compose`, or `services` with the names of containers")
