"""A flipped bit in any stream of a dump is found, and a dump whose programs die makes no backup."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import psutil
import pytest

from mainstay.model.errors import StepFailed
from mainstay.vault import catalogue
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.repository import create_repository
from mainstay.vault.store import unhurried
from mainstay.vault.verify import verify
from tests.kinds.postgres.conftest import Database
from tests.kinds.postgres.store.conftest import store_of

ID = BackupId("20261120T020000Z.db.run-1")
OFFSETS = 20


@pytest.mark.covers("BKP-20")
def test_a_flipped_bit_in_any_stream_is_found_and_the_stream_is_named(shop: Database, tmp_path: Path) -> None:
    repository = create_repository(tmp_path / "repo")
    made, found = make(repository, store_of(shop), Order(ID, "db", "run-1"), unhurried()), 0
    assert {"schema.pgdump", "data.pgdump", "globals.sql", "sequences.sql", "table.public.orders"} <= {
        one.name for one in made.streams
    }
    for stream in made.streams:
        path = repository.root / stream.object.sha256.path
        content = path.read_bytes()
        for step in range(OFFSETS):
            at = len(content) * step // OFFSETS
            path.write_bytes(content[:at] + bytes([content[at] ^ 1 << step % 8]) + content[at + 1 :])
            told = verify(repository, ID, unhurried())
            found += any(text.startswith(f"{stream.name}: {stream.object.sha256.path}: ") for text in told)
        path.write_bytes(content)
    print(f"{found} of {OFFSETS * len(made.streams)} flipped bits in {len(made.streams)} streams of PostgreSQL's found")
    assert found == OFFSETS * len(made.streams)


@pytest.mark.parametrize("program", ["pg_dump", "psql"])
def test_a_program_of_a_dump_that_is_killed_is_named_and_there_is_no_backup(shop: Database, tmp_path: Path, program: str) -> None:
    shop.sql("INSERT INTO log SELECT repeat('x', 1000) || g FROM generate_series(1, 300000) g")
    repository, over = create_repository(tmp_path / "repo"), threading.Event()
    killer = threading.Thread(target=_kill, args=(program, over))
    killer.start()
    try:
        with pytest.raises(StepFailed, match=rf"{program} failed.*database "):
            make(repository, store_of(shop), Order(ID, "db", "run-1"), unhurried())
    finally:
        over.set()
        killer.join()
    assert catalogue.read(repository).entries == ()
    assert not list(repository.root.glob(".part-*"))


def _kill(program: str, over: threading.Event) -> None:
    """Kill the first child of this process that runs the program for the dump."""
    while not over.wait(0.002):
        for child in psutil.Process(os.getpid()).children(recursive=True):
            try:
                if child.name() == program and "--version" not in child.cmdline():
                    child.send_signal(signal.SIGKILL)
                    return
            except psutil.NoSuchProcess:
                continue
