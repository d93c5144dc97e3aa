"""A flipped bit in any stream of a dump is found, and a dump whose programs die makes no backup."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import psutil
import pytest

from mainstay.kinds.postgres.store import PostgresStore
from mainstay.model.errors import StepFailed
from mainstay.vault import catalogue
from mainstay.vault.backup import Order, make
from mainstay.vault.names import BackupId
from mainstay.vault.repository import create_repository
from mainstay.vault.store import Dump, Sink, unhurried
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


@pytest.mark.parametrize(("program", "stream"), [("pg_dump", "data.pgdump"), ("psql", "table.public.log")])
def test_a_program_of_a_dump_that_is_killed_is_named_and_there_is_no_backup(
    shop: Database, tmp_path: Path, program: str, stream: str
) -> None:
    shop.sql("INSERT INTO log SELECT repeat('x', 1000) || g FROM generate_series(1, 20000) g")
    shop.sql("SELECT lo_from_bytea(0, decode(repeat('00', 20000000), 'hex'))")
    repository, store = create_repository(tmp_path / "repo"), store_of(shop)
    with pytest.raises(StepFailed, match=rf"{program} failed.*database "):
        make(repository, Struck(store.target, store.door, program=program, stream=stream), Order(ID, "db", "run-1"), unhurried())
    assert catalogue.read(repository).entries == ()
    assert not list(repository.root.glob(".part-*"))


@dataclass(frozen=True)
class Struck(PostgresStore):
    """A store whose program is killed while it still prints a stream, which no pipe can hold."""

    program: str = ""
    stream: str = ""

    def dump(self, sink: Sink) -> Dump:
        """Dump into a sink that kills."""
        return super().dump(cast(Sink, Killing(sink, self.program, self.stream)))


class Killing:
    """A sink that kills the program after the first piece of one stream."""

    def __init__(self, sink: Sink, program: str, name: str) -> None:
        self.sink, self.program, self.name, self.work = sink, program, name, sink.work

    @contextmanager
    def stream(self, name: str) -> Iterator[BinaryIO]:
        """Open a stream."""
        with self.sink.stream(name) as out:
            yield cast(BinaryIO, After(out, self.program)) if name == self.name else out


class After:
    """A stream that kills the children of this process that run a program once a piece has arrived."""

    def __init__(self, out: BinaryIO, program: str) -> None:
        self.out, self.program, self.killed = out, program, False

    def write(self, piece: bytes) -> int:
        """Write a piece."""
        if not self.killed:
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    if child.name() == self.program:
                        child.kill()
            self.killed = True
        return self.out.write(piece)
