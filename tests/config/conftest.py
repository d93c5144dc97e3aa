"""Two small kinds, as a third party would write them, and a configuration that uses them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest

from mainstay import config
from mainstay.kinds.kind import Kind, NoParams, Session, TaskKind
from mainstay.model.errors import ConfigError
from mainstay.model.plan import Impact, On
from mainstay.model.setting import SecretRef, Setting
from mainstay.model.task import Site, TaskClass
from mainstay.model.units import Duration, Share, Size


@dataclass(frozen=True)
class Expect:
    status: Annotated[int, Setting("HTTP status", ge=100, le=599)] = 200
    within: Annotated[Duration, Setting("slowest answer", le=60)] = Duration(1)
    json: Annotated[dict[str, Any], Setting("values in the answer")] = field(default_factory=dict)


@dataclass(frozen=True)
class StoreSettings:
    path: Annotated[Path, Setting("where it is", example="/srv/app.db")]
    url: Annotated[str, Setting("its address")] = ""
    password: Annotated[SecretRef | None, Setting("its password")] = None
    expect: Annotated[Expect, Setting("what it answers")] = field(default_factory=Expect)
    mode: Annotated[Literal["wal", "rollback"], Setting("journal")] = "wal"
    of: Annotated[tuple[str, ...], Setting("what is copied into it", refers_to="target:store")] = ()
    keep: Annotated[dict[str, int], Setting("how many", ge=1)] = field(default_factory=dict)
    most: Annotated[Size | None, Setting("largest size", ge=1000)] = None
    tries: Annotated[int | str, Setting("number, or forever")] = 3

    def __post_init__(self) -> None:
        if self.mode == "rollback" and self.most:
            raise ValueError("most needs mode: wal")


@dataclass(frozen=True)
class VacuumParams:
    free_share: Annotated[Share, Setting("vacuum above this share of free pages", ge=0.01)] = Share(0.2)
    stall: Annotated[Duration, Setting("longest stall", ge=0.01, le=3600)] = Duration(5)


class Sample(TaskKind[None, Any]):
    summary: ClassVar[str] = "Does its part."
    task_class: ClassVar[TaskClass] = TaskClass.CARE
    facts: ClassVar[type] = NoParams

    def observe(self, session: Session, on: On | None = None) -> None: ...


class Check(Sample):
    name = "check"
    task_class = TaskClass.CHECK


class Vacuum(Sample):
    name = "vacuum"
    params = VacuumParams
    impact = Impact.BLOCKS_WRITES


class Copy(Sample):
    name = "copy"
    impact = Impact.LOAD


class Pause(Sample):
    name = "pause"
    bracket = True
    impact = Impact.BLOCKS_WRITES


class Sign(Sample):
    name = "sign"
    waits = True


class Shelf:
    """The kinds of a site, as the registry hands them out."""

    PLANNED = ("redis",)

    def __init__(self) -> None:
        tasks = (Check(), Vacuum(), Copy())
        self._kinds = {
            "store": Kind("store", "A store.", StoreSettings, tasks, category="data"),
            "web": Kind("web", "A web server.", NoParams, (Check(), Pause(), Sign())),
        }

    def names(self) -> tuple[str, ...]:
        return tuple(self._kinds)

    def load(self, name: str) -> Kind:
        return self._kinds[name]


@pytest.fixture(scope="session")
def kinds() -> Shelf:
    return Shelf()


@pytest.fixture
def written(tmp_path: Path, kinds: Shelf) -> Callable[..., Site]:
    """Write files (the first is the main one) and load them; keyword `conf_d__x` is conf.d/x.yaml."""

    def load(main: str, **others: str) -> Site:
        for name, text in {"mainstay": main, **others}.items():
            path = tmp_path / f"{name.replace('_d__', '.d/')}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return config.load(tmp_path / "mainstay.yaml", kinds)

    return load


@pytest.fixture
def mistakes(written: Callable[..., Site]) -> Callable[..., list[str]]:
    """Load files that cannot be used, and return the mistakes as they are printed."""

    def load(main: str, **others: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            written(main, **others)
        return [str(mistake) for mistake in caught.value.mistakes]

    return load
