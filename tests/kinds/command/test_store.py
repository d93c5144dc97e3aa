"""A backup by a pair of scripts: one stream, loaded at a new place, and compared as far as the scripts can tell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds.command.settings import Backup, Settings
from mainstay.kinds.command.store import CommandStore
from mainstay.model.errors import Cancelled, ConfigError, DeadlinePassed, Refused, StepFailed, Unreachable
from mainstay.model.setting import Place, SecretRef
from mainstay.model.units import Duration
from mainstay.system.process import Door, end_tagged, tagged
from mainstay.vault.backup import Order, make
from mainstay.vault.manifest import Manifest
from mainstay.vault.names import BackupId
from mainstay.vault.repository import Repository, create_repository
from mainstay.vault.restore import Request, prove, restore
from mainstay.vault.store import Work, unhurried

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "back-up-anything.md"
DUMP, LOAD, DESCRIBE = re.findall(
    r"^`/etc/mainstay/\S+-graph`\n```sh\n#!/bin/sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
)
Stores = Callable[..., CommandStore]


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    """Return a function that makes the store of a small graph, with other scripts where they are given."""
    (tmp_path / "graph").mkdir()
    (tmp_path / "graph" / "nodes").write_text("a\nb\nc\n")
    (tmp_path / "graph" / "edges").write_bytes(b"a b\n" * 300_000)

    def store(dump: str = DUMP, load: str = LOAD, describe: str = DESCRIBE, **more: Any) -> CommandStore:
        scripts = {"dump": dump, "load": load, "describe": describe}
        argv: dict[str, Any] = {name: _script(tmp_path / name, text) for name, text in scripts.items() if text}
        backup = Backup(**argv, places=tmp_path / "restored", **more)
        settings = Settings(backup=backup, environment={"GRAPH": str(tmp_path / "graph")})
        return CommandStore(backup.places / "graph", "graph", settings, Door(tag=f"test-command-{os.getpid()}"))

    (tmp_path / "restored").mkdir()
    return store


def _script(path: Path, text: str) -> tuple[str, ...]:
    path.write_text(f"#!/bin/sh\nset -eu\n{text}\n")
    path.chmod(0o755)
    return (str(path),)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return an empty repository."""
    return create_repository(tmp_path / "repository")


def backed_up(repository: Repository, store: CommandStore, work: Work | None = None) -> Manifest:
    order = Order(BackupId.of(datetime(2026, 11, 21, 2, tzinfo=UTC), "graph", "run-1"), "graph", "run-1")
    return make(repository, store, order, work or unhurried())


def test_what_the_pair_has_dumped_is_proven_and_restored(stores: Stores, repository: Repository, tmp_path: Path) -> None:
    store = stores()
    manifest = backed_up(repository, store)
    assert manifest.counts == {"edges": 300_000, "nodes": 3}
    assert prove(repository, manifest.id, store, "proof-1", unhurried()).differences == ()
    restore(repository, store, Request(manifest.id, store.beside("again")), unhurried())
    subprocess.run(["diff", "-r", tmp_path / "graph", tmp_path / "restored" / "graph.again"], check=True)


def test_a_load_that_loses_something_is_found(stores: Stores, repository: Repository) -> None:
    store = stores(load=LOAD.replace("exec", "") + 'echo d >> "$MAINSTAY_PLACE/nodes"')
    manifest = backed_up(repository, store)
    assert prove(repository, manifest.id, store, "proof-1", unhurried()).differences == (
        "nodes: 3 in the manifest, 4 in the copy",
    )


@pytest.mark.parametrize("dump", ["head -c 1000 /dev/zero; exit 3", "kill -9 $$", "tar -C /nowhere -cf - ."])
def test_a_dump_that_fails_leaves_no_backup(stores: Stores, repository: Repository, dump: str) -> None:
    with pytest.raises(StepFailed, match=r"a command of the backup failed.*exit code"):
        backed_up(repository, stores(dump=dump))
    assert list((repository.root / "backups").iterdir()) == []


def test_what_changes_while_it_is_dumped_can_be_restored_but_not_proven(
    stores: Stores, repository: Repository, tmp_path: Path
) -> None:
    store = stores(dump=f'{DUMP.replace("exec", "")}echo late >> "$GRAPH/nodes"')
    manifest = backed_up(repository, store)
    assert (manifest.counts, manifest.digests) == ({}, {})
    assert "never proven" in manifest.notes[0]
    with pytest.raises(Refused, match=r"not proven.*changed while it was dumped"):
        prove(repository, manifest.id, store, "proof-1", unhurried())
    restore(repository, store, Request(manifest.id, store.beside("again")), unhurried())


def test_a_dump_may_describe_its_own_snapshot_while_everybody_writes_on(stores: Stores, repository: Repository) -> None:
    own = f'({DESCRIBE}) > "$MAINSTAY_DESCRIPTION"; {DUMP.replace("exec", "")}echo late >> "$GRAPH/nodes"'
    store = stores(dump=own, snapshot=True)
    manifest = backed_up(repository, store)
    assert manifest.counts["nodes"] == 3
    assert prove(repository, manifest.id, store, "proof-1", unhurried()).differences == ()


def test_without_a_description_a_backup_is_restored_but_never_proven(
    stores: Stores, repository: Repository, tmp_path: Path
) -> None:
    store = stores(describe="")
    manifest = backed_up(repository, store)
    with pytest.raises(Refused, match="no `describe`"):
        prove(repository, manifest.id, store, "proof-1", unhurried())
    restore(repository, store, Request(manifest.id, store.beside("again")), unhurried())
    assert (tmp_path / "restored" / "graph.again" / "nodes").read_text() == "a\nb\nc\n"


def test_a_load_that_wants_no_more_is_judged_by_its_exit_code(stores: Stores, repository: Repository) -> None:
    store = stores(load='mkdir "$MAINSTAY_PLACE"; head -c 10 > "$MAINSTAY_PLACE/nodes"', describe="")
    manifest = backed_up(repository, store)
    restore(repository, store, Request(manifest.id, store.beside("again")), unhurried())
    failing = stores(load="head -c 10 > /dev/null; echo no room >&2; exit 5", describe="")
    with pytest.raises(StepFailed, match="exit code 5: no room"):
        restore(repository, failing, Request(manifest.id, store.beside("other")), unhurried())


def test_a_load_that_makes_nothing_has_failed(stores: Stores, repository: Repository) -> None:
    store = stores(load="cat > /dev/null")
    with pytest.raises(StepFailed, match="made nothing"):
        prove(repository, backed_up(repository, store).id, store, "proof-1", unhurried())


@pytest.mark.parametrize("line", ["nodes 3", "nodes\\tmany", "\\t3", "nodes\\t3\\nnodes\\t3", "nodes\\t-3", ""])
def test_a_description_that_is_none_is_refused(stores: Stores, repository: Repository, line: str) -> None:
    with pytest.raises(StepFailed, match="a description"):
        backed_up(repository, stores(describe=f"printf '{line}'"))


def test_a_command_that_takes_too_long_is_ended_with_all_it_started(stores: Stores, repository: Repository) -> None:
    with pytest.raises(DeadlinePassed):
        backed_up(repository, stores(dump="sleep 600 & sleep 600", describe="", timeout=Duration(0.3)))
    assert tagged(f"test-command-{os.getpid()}") == []


def test_a_backup_that_is_cancelled_ends_its_command(stores: Stores, repository: Repository) -> None:
    def cancel(_: int) -> None:
        if tagged(f"test-command-{os.getpid()}"):
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        backed_up(repository, stores(dump="echo begun; sleep 600", describe=""), unhurried(cancel))
    assert tagged(f"test-command-{os.getpid()}") == []


def test_a_secret_is_handed_over_and_not_repeated(stores: Stores, repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    (tmp_path / "secret").chmod(0o600)
    store = stores(dump='echo "$PASSWORD is wrong" >&2; exit 1', describe="")
    secret: dict[str, str | SecretRef] = {"PASSWORD": SecretRef("file", str(tmp_path / "secret"))}
    with pytest.raises(StepFailed, match=r"exit code 1: \*\*\* is wrong"):
        backed_up(repository, replace(store, settings=replace(store.settings, environment=secret)))


def test_a_program_that_is_not_there_and_a_target_without_commands_say_so(stores: Stores, repository: Repository) -> None:
    store = stores(describe="")
    gone = Backup(("/nowhere/dump",), ("/nowhere/load",))
    with pytest.raises(Unreachable, match="/nowhere/dump"):
        backed_up(repository, replace(store, settings=replace(store.settings, backup=gone)))
    with pytest.raises(ConfigError, match="nothing says how"):
        replace(store, settings=Settings(("/bin/true",))).estimate()


def test_a_copy_is_not_made_inside_a_container(stores: Stores, repository: Repository) -> None:
    store = stores()
    manifest = backed_up(repository, store)
    with pytest.raises(Refused, match="leave out `runs_in`"):
        restore(repository, replace(store, door=Door(Place("box"))), Request(manifest.id, store.beside("x")), unhurried())


KILLED = """
import os, sys
from pathlib import Path
from mainstay.kinds.command.settings import Backup, Settings
from mainstay.kinds.command.store import CommandStore
from mainstay.system.process import Door, tagged
from mainstay.vault.plain import PlainFolder
from mainstay.vault.store import unhurried
folder, tag = Path(sys.argv[1]), sys.argv[2]
backup = Backup(("sleep", "600"), ("true",))
work = unhurried(lambda _: os.kill(os.getpid(), 9) if tagged(tag) else None)
CommandStore(folder, "x", Settings(backup=backup), Door(tag=tag)).dump(PlainFolder(folder, work))
"""


def test_a_killed_backup_leaves_a_command_that_recovery_finds_by_the_tag_of_the_step(tmp_path: Path) -> None:
    tag = f"test-command-killed-{os.getpid()}"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), tag], check=False, timeout=60)
    assert killed.returncode == -9
    assert end_tagged(tag) == 1
