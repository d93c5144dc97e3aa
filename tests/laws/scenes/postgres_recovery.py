"""Archives in which each task of the recovery has something to do: one with a server whose log is received, others copied."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.kind import NoParams
from mainstay.kinds.postgres.recovery.choice import Target as Params
from mainstay.kinds.postgres.settings import ArchiveSettings, KeepBases, PostgresSettings
from mainstay.model.target import Target
from mainstay.model.units import Duration
from tests.kinds.postgres.archiving import archived
from tests.laws.scene import Scene
from tests.live import postgres_server

NOWHERE = "host=127.0.0.1 port=1 user=nobody dbname=nothing"  # what these do needs no server


def base_backup(folder: Path) -> Scene:
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    ending = ExitStack()
    shop = ending.enter_context(archived(folder))
    shop.server.sql("CREATE TABLE orders(id int)")
    shop.receive()
    shop.switch()
    bases = shop.archive.bases

    def contents() -> Any:
        parts = sorted(path.name.split(".", 1)[-1] for path in shop.archive.root.glob(".part-*"))
        return parts, sorted(path.name for one in bases.iterdir() for path in one.iterdir())

    return Scene("base_backup", shop.target, NoParams(), contents=contents, close=ending.close)


def archive_prune(folder: Path) -> Scene:
    return _scene(folder, "archive_prune", NoParams())


def prove_recovery(folder: Path) -> Scene:
    return _scene(folder, "prove_recovery", NoParams())


def recover(folder: Path) -> Scene:
    return _scene(folder, "recover", Params(into=folder / "recovered"))


def _scene(folder: Path, task: str, params: Any) -> Scene:
    shutil.copytree(_archive(), folder / "archive")
    for above in (folder, *folder.parents):
        if above.is_relative_to(tempfile.gettempdir()):
            above.chmod(above.stat().st_mode | 0o011)

    def contents() -> Any:
        inside = sorted(str(path.relative_to(folder)) for path in (folder / "archive").rglob("*"))
        return inside, sorted(path.name for path in folder.iterdir())

    settings = ArchiveSettings(folder / "archive", keep=KeepBases(1, Duration(0)))
    known = PostgresSettings(NOWHERE, archive=settings, programs=Path("/usr/lib/postgresql/15/bin"))
    return Scene(task, Target("db", "postgres", known), params, contents=contents)


@cache
def _archive() -> Path:
    """Make an archive with two base backups, the newest of them proven, and log after them."""
    if lacking := postgres_server.missing():
        pytest.skip(lacking)
    folder = Path(tempfile.mkdtemp(prefix="archive-"))
    folder.chmod(0o711)
    atexit.register(shutil.rmtree, folder)
    with archived(folder) as shop:
        shop.server.sql("CREATE TABLE orders AS SELECT generate_series(1, 100) AS id")
        shop.receive()
        for number in (1, 2):
            shop.switch()
            shop.perform("base_backup", f"run-{number}.db.base")
        shop.perform("prove_recovery", "run-0.db.prove")
        shop.switch()
        shop.caught_up()
    return shop.archive.root


SCENES: dict[str, Callable[[Path], Scene]] = {
    "base_backup": base_backup,
    "archive_prune": archive_prune,
    "prove_recovery": prove_recovery,
    "recover": recover,
}
