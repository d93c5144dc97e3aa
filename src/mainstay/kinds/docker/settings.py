"""Which containers are looked at, and what is expected of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.model.setting import Setting
from mainstay.model.units import Duration


@dataclass(frozen=True)
class Settings:
    """The services of a Compose project, or containers by name."""

    project: Annotated[str, Setting("the Compose project; without it, `services` are names of containers", example="shop")] = ""
    services: Annotated[
        tuple[str, ...], Setting("services that must run; without them, whatever the project has", example="[web, api, db]")
    ] = ()
    max_restarts: Annotated[int, Setting("restarts since the previous look that are no remark", ge=0)] = 0
    engine: Annotated[str, Setting("address of the engine, if not the usual one", example="unix:///run/docker.sock")] = ""
    timeout: Annotated[Duration, Setting("how long the engine may take to answer", ge=0.1)] = Duration(10)

    def __post_init__(self) -> None:
        """Refuse a target of which nobody could say what belongs to it."""
        if not self.project and not self.services:
            raise ValueError("write `project`, or `services` with the names of containers")
