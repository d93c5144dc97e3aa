"""Recovery to a point in time, on real servers: what was committed comes back, and what cannot be reached is refused."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from mainstay.kinds import registry
from mainstay.kinds.postgres.recovery.base import Result, kept
from mainstay.kinds.postgres.recovery.chain import follow
from mainstay.kinds.postgres.recovery.choice import Choice, Target, choose
from mainstay.model.errors import MainstayError
from mainstay.model.plan import Step
from mainstay.system.clock import Deadline
from tests.kinds.postgres.archiving import Archived, archived, wait_for
from tests.live import postgres_server
from tests.live.postgres_server import PostgresServer

pytestmark = [
    pytest.mark.skipif(bool(postgres_server.missing()), reason=f"needs {postgres_server.missing()}"),
    pytest.mark.slow,
]
MAJORS = [pytest.param(major, marks=pytest.mark.skipif(bool(why := postgres_server.missing(major)), reason=f"needs {why}"))
          for major in (13, 15, 17, 18)]  # fmt: skip


@dataclass
class Writer:
    """Commits row after row, and knows for each when it began and when its commit was confirmed."""

    server: PostgresServer
    rows: list[tuple[int, datetime, datetime]] = field(default_factory=list)

    def write(self, stop: threading.Event) -> None:
        with self.server.connect() as connection:
            while not stop.is_set():
                began = datetime.now(UTC)
                try:
                    row = connection.execute("INSERT INTO orders DEFAULT VALUES RETURNING id").fetchone()
                except psycopg.errors.UndefinedTable:
                    return
                assert row
                self.rows.append((row[0], began, datetime.now(UTC)))


@contextmanager
def writing(server: PostgresServer, count: int = 2) -> Iterator[list[Writer]]:
    """Let several writers commit continuously."""
    stop, writers = threading.Event(), [Writer(server) for _ in range(count)]
    threads = [threading.Thread(target=one.write, args=(stop,)) for one in writers]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@contextmanager
def started(like: PostgresServer, data: Path) -> Iterator[PostgresServer]:
    """Start a recovered cluster as its operator would."""
    server = PostgresServer(like.binaries, data.parent)
    server.configure({"port": str(server.port)})
    server.start()
    try:
        yield server
    finally:
        server.stop("immediate")


def ids(server: PostgresServer) -> set[int]:
    return {id for (id,) in server.sql("SELECT id FROM orders")}


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Archived]:
    """A server of version 15 with orders, whose log is received."""
    with archived(tmp_path) as made:
        made.server.sql("CREATE TABLE orders(id serial PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())")
        made.receive()
        yield made


def more(shop: Archived, rows: int = 100) -> str:
    """Commit some rows, and finish their segment."""
    shop.server.sql(f"INSERT INTO orders SELECT FROM generate_series(1, {rows})")
    return shop.switch()


def into(shop: Archived) -> Path:
    return shop.folder / "restored" / "data"


@pytest.mark.covers("RST-04")
@pytest.mark.parametrize("major", MAJORS)
def test_a_dropped_table_comes_back_with_every_row_committed_one_second_before(tmp_path: Path, major: int) -> None:
    with archived(tmp_path, major) as shop:
        shop.server.sql("CREATE TABLE orders(id serial PRIMARY KEY)")
        shop.receive()
        shop.switch()
        with writing(shop.server) as writers:
            shop.perform("base_backup")
            time.sleep(3)
            dropped = shop.now()
            shop.server.sql("DROP TABLE orders")
        at = dropped - timedelta(seconds=1)
        shop.caught_up()
        into(shop).parent.mkdir(mode=0o711)
        done = shop.mainstay("restore", "db", "--to-time", str(at), "--into", str(into(shop)))
        assert done.returncode == 0, done.stderr
        rows = [row for writer in writers for row in writer.rows]
        wanted, unwanted = {id for id, _, after in rows if after <= at}, {id for id, before, _ in rows if before > at}
        with started(shop.server, into(shop)) as restored:
            found = ids(restored)
        print(f"{major}: {len(rows)} rows committed, {len(wanted)} of them one second before the drop: {len(found)} came back")
        assert wanted <= found
        assert not unwanted & found
        assert len(wanted) > 50


@pytest.mark.covers("BKP-29")
def test_a_receiver_that_is_killed_again_and_again_leaves_no_gap(shop: Archived) -> None:
    more(shop)
    shop.perform("base_backup")
    with writing(shop.server) as writers:
        for _ in range(6):
            shop.end_receiver(signal.SIGKILL)
            shop.server.sql("SELECT pg_switch_wal()")
            time.sleep(0.2)
            shop.receive()
            shop.server.sql("SELECT pg_switch_wal()")
            time.sleep(0.4)
    shop.caught_up()
    facts = shop.facts()
    assert len(facts.wal.stretches) == 1
    assert follow(facts.wal, facts.bases[0].base).missing == ""
    [proof] = prove(shop)
    assert proof.rows == 100 + sum(len(writer.rows) for writer in writers)


def prove(shop: Archived) -> tuple[Result, ...]:
    shop.perform("prove_recovery")
    return kept(shop.archive)[0][-1].proofs


def test_a_missing_segment_is_named_and_a_recovery_across_it_is_refused_before_anything_is_written(shop: Archived) -> None:
    more(shop)
    shop.perform("base_backup")
    between = shop.now()
    more(shop)
    gone, _ = more(shop), more(shop)
    shop.caught_up()
    (shop.archive.wal / f"{gone}.zst").unlink()
    found = [str(one) for one in registry.load("postgres").task("archive").assess(shop.facts(), None)]
    assert any(f"a segment is missing: {gone}" in one for one in found)
    before = sorted(shop.folder.rglob("*"))
    refused = shop.mainstay("restore", "db", "--to-time", str(shop.now()), "--into", str(into(shop)))
    assert refused.returncode == 3
    assert f"segment {gone} is missing" in refused.stderr
    assert [path for path in sorted(shop.folder.rglob("*")) if path not in before and "state" not in path.parts] == []
    assert [one for one in shop.plan("recover", to_time=str(between)) if isinstance(one, Step)]


@pytest.mark.parametrize("what", ["segment", "base"])
def test_what_is_damaged_is_named_and_a_recovery_leaves_nothing(shop: Archived, what: str) -> None:
    more(shop)
    shop.perform("base_backup")
    name = more(shop)
    path = shop.archive.wal / f"{name}.zst" if what == "segment" else next(shop.archive.bases.glob("*/base.tar.zst"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with shop.session() as session:
        damaged = registry.load("postgres").task("archive_verify").observe(session).damaged
        assert len(damaged) == 1
        assert path.name in damaged[0]
        kind, [step] = registry.load("postgres").task("recover"), [one for one in shop.plan("recover") if isinstance(one, Step)]
        with pytest.raises(MainstayError, match="damaged") as raised:
            kind.apply(session, step, Deadline(step.deadline))
        kind.tidy(session, step, Deadline(step.deadline))
    assert path.name in raised.value.on
    assert not Path(step.args["into"]).exists()
    assert not Path(step.args["part"]).exists()


def test_nothing_that_exists_is_written_to(shop: Archived) -> None:
    more(shop)
    shop.perform("base_backup")
    shop.caught_up()
    into(shop).mkdir(parents=True)
    done = shop.mainstay("restore", "db", "--to-time", str(shop.now() - timedelta(seconds=0.05)), "--into", str(into(shop)))
    assert done.returncode == 1
    assert "it is there already" in done.stdout
    assert list(into(shop).iterdir()) == []


def test_a_moment_outside_of_what_is_recoverable_is_refused_with_what_is(shop: Archived) -> None:
    more(shop)
    early = shop.now()
    shop.perform("base_backup")
    for at in (early, shop.now() + timedelta(hours=1)):
        refused = shop.mainstay("restore", "db", "--to-time", str(at))
        assert refused.returncode == 3
        told = re.search(r"recoverable: (20\d\d-\S+ \S+) to (20\d\d-\S+ \S+)", refused.stderr)
        assert told
        for end in told.groups():
            assert isinstance(choose(shop.facts(), Target(to_time=end)), Choice), end


def test_a_moment_after_the_last_commit_of_a_quiet_server_is_reached(shop: Archived) -> None:
    more(shop)
    shop.perform("base_backup")
    more(shop, 50)
    time.sleep(1)
    shop.caught_up()
    [step] = shop.perform("recover", to_time=str(shop.now() - timedelta(seconds=0.3)))
    assert '"rows":150' in Path(step.args["into"], "mainstay-recovery.json").read_text()


def test_a_position_and_a_named_point_are_reached(shop: Archived) -> None:
    more(shop)
    shop.perform("base_backup")
    more(shop, 10)
    [(lsn,)] = shop.server.sql("SELECT pg_create_restore_point('before_release')::text")
    more(shop, 1000)
    shop.caught_up()
    for run, params in (("run-1", {"to_name": "before_release"}), ("run-2", {"to_lsn": lsn})):
        [step] = shop.perform("recover", run, **params)
        assert '"rows":110' in Path(step.args["into"], "mainstay-recovery.json").read_text()


def test_the_log_is_followed_across_a_promotion(tmp_path: Path, shop: Archived) -> None:
    more(shop)
    shop.perform("base_backup")
    with shop.server.standby(tmp_path / "standby") as standby:
        more(shop, 10)
        shop.caught_up()
        shop.end_receiver()
        shop.server.stop()
        standby.sql("SELECT pg_promote()")
        first, shop.server = shop.server, standby
        shop.receive()
        more(shop, 5)
        more(shop, 5)
        shop.caught_up()
        facts = shop.facts()
        assert [one.id for one in facts.wal.timelines] == [2]
        assert {place[0] for place in follow(facts.wal, facts.bases[0].base).places} == {1, 2}
        [proof] = prove(shop)
        shop.end_receiver()
        shop.server = first
        first.start()
    assert proof.rows == 120


def test_a_lost_slot_is_found_and_begun_anew(tmp_path: Path) -> None:
    with archived(tmp_path, max_slot_wal_keep_size="64MB") as shop:
        shop.server.sql("CREATE TABLE orders(id serial PRIMARY KEY)")
        shop.receive()
        more(shop)
        shop.perform("base_backup")
        shop.end_receiver()
        for _ in range(12):
            shop.server.sql("SELECT pg_logical_emit_message(true, 'x', 'y'); SELECT pg_switch_wal(); CHECKPOINT")
        assert "wal_status: lost" in judged(shop)
        shop.receive("--from-now")
        more(shop)
        assert "a segment is missing" in judged(shop)
        shop.perform("base_backup", "run-2.db.task")
        shop.caught_up()
        assert prove(shop)
        assert [one for one in shop.facts().bases if not follow(shop.facts().wal, one.base).missing]


def judged(shop: Archived) -> str:
    return "\n".join(map(str, registry.load("postgres").task("archive").assess(shop.facts(), None)))


@pytest.mark.covers("KPI-08")
def test_rpo_and_rto_are_measured_and_a_limit_that_is_passed_is_told(shop: Archived) -> None:
    more(shop)
    shop.perform("base_backup")
    shop.perform("prove_recovery")
    shop.settings = {"max_rpo": 1, "max_lag": 1000, "max_rto": 1_000_000}
    task = registry.load("postgres").task("archive")
    shop.caught_up()
    figures = {one.name: one for one in task.figures(shop.facts())}
    assert figures["rpo"].value == 0
    assert figures["rto"].value > 0
    shop.end_receiver()
    shop.server.sql("INSERT INTO orders SELECT FROM generate_series(1, 100000)")
    wait_for(lambda: "rpo" in judged(shop).split("recoverable")[0], lambda: judged(shop))
    assert "behind the server" in judged(shop)
    assert "nobody receives" in judged(shop)
    figures = {one.name: one for one in task.figures(shop.facts())}
    assert figures["rpo"].value > 1
    assert figures["archive lag"].value > 1000


def test_prune_keeps_what_the_bases_that_stay_need(shop: Archived) -> None:
    shop.settings = {
        "keep": registry.load("postgres").settings
        and __import__("mainstay.kinds.postgres.settings", fromlist=["KeepBases"]).KeepBases(1, 0)
    }
    more(shop)
    for number in range(3):
        shop.perform("base_backup", f"run-{number}.db.task")
        more(shop)
    shop.perform("prove_recovery")
    shop.perform("archive_prune")
    facts = shop.facts()
    [one] = facts.bases
    assert min(stretch.first for stretch in facts.wal.stretches) == one.base.first(facts.wal.segment)
    assert len(prove_again(shop)) == 2


def prove_again(shop: Archived) -> tuple[Result, ...]:
    shop.perform("prove_recovery", "run-9.db.task")
    return kept(shop.archive)[0][-1].proofs


def test_a_server_that_is_gone_is_recovered_all_the_same(shop: Archived) -> None:
    more(shop)
    shop.perform("base_backup")
    shop.server.sql("INSERT INTO orders SELECT FROM generate_series(1, 11)")
    shop.caught_up()
    at = shop.now()
    time.sleep(0.05)  # how far the archive goes is then known by its files' times alone, which lag the clock by a tick
    shop.server.sql("INSERT INTO orders SELECT FROM generate_series(1, 11)")
    shop.caught_up()
    shop.end_receiver()
    shop.server.stop("immediate")
    into(shop).parent.mkdir(mode=0o711)
    done = shop.mainstay("restore", "db", "--to-time", str(at), "--into", str(into(shop)))
    assert "ready" in done.stdout, (done.stdout, done.stderr)
    assert '"rows":111' in (into(shop) / "mainstay-recovery.json").read_text()


def test_a_killed_recovery_leaves_no_server_and_is_done_by_resume(shop: Archived) -> None:
    more(shop)
    shop.perform("base_backup")
    shop.caught_up()
    at = shop.now() - timedelta(seconds=0.01)
    into(shop).parent.mkdir(mode=0o711)
    argv = shop.command("restore", "db", "--to-time", str(at), "--into", str(into(shop)))
    killed = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    wait_for(lambda: bool(list(into(shop).parent.glob(".data.*/data/postmaster.pid"))), lambda: "no server was started")
    killed.kill()
    killed.wait()
    done = shop.mainstay("resume", "last")
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert [path.name for path in into(shop).parent.iterdir()] == ["data"]
    assert '"rows":100' in (into(shop) / "mainstay-recovery.json").read_text()


@pytest.mark.covers("BKP-29")
def test_a_pushed_segment_is_durable_once_and_never_written_over(tmp_path: Path) -> None:
    spool = tmp_path / "server" / "spool"
    with archived(tmp_path, slot="", archive_mode="on", archive_command=f"cp %p {spool}/%f") as shop:
        spool.mkdir(mode=0o777)
        spool.chmod(0o777)
        [(name,)] = shop.server.sql("SELECT pg_walfile_name(pg_switch_wal())")
        wait_for(lambda: (spool / name).exists() and (spool / name).stat().st_size == 1 << 24, shop.server.log)
        assert shop.mainstay("wal", "push", "db", str(spool / name)).returncode == 0
        assert shop.mainstay("wal", "push", "db", str(spool / name)).returncode == 0
        assert shop.facts().wal.finished == 2 << 24
        other = bytearray((spool / name).read_bytes())
        other[5000] ^= 1
        (spool / name).write_bytes(other)
        refused = shop.mainstay("wal", "push", "db", str(spool / name))
        assert (refused.returncode, "another file of this name is archived already" in refused.stderr) == (3, True)
        other[24] ^= 1
        (spool / f"{name[:-1]}7").write_bytes(other)
        refused = shop.mainstay("wal", "push", "db", str(spool / f"{name[:-1]}7"))
        assert (refused.returncode, "this log belongs to another cluster" in refused.stderr) == (3, True)
        assert [path.name for path in shop.archive.wal.iterdir()] == [f"{name}.zst"]
