"""A backup of a server is the file that it wrote itself, loaded again: counts, digest and functions are those of the copy."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from mainstay.kinds.redis.settings import RedisSettings
from mainstay.kinds.redis.store import RedisStore
from mainstay.model.errors import StepFailed, Unreachable
from mainstay.model.setting import Place
from mainstay.model.units import Duration
from mainstay.system.clock import Deadline
from mainstay.system.process import Door, end_tagged, tagged
from mainstay.vault.manifest import Damaged
from mainstay.vault.store import Work
from tests.kinds.redis.conftest import LIBRARY, dumped, loaded, secret, store_of
from tests.live import redis_server
from tests.live.redis_server import RedisServer


def test_what_a_dump_says_is_what_the_restored_copy_holds(store: RedisStore, tmp_path: Path) -> None:
    plain = dumped(store, tmp_path / "dump")
    assert plain.dump.counts == {"db0": 208, "db0 expiring": 2, "db3": 1, "db3 expiring": 0, "libraries": 1}
    seen = loaded(store, plain, tmp_path / "copy")
    assert (seen.counts, seen.digests) == (plain.dump.counts, plain.dump.digests)
    assert os.listdir(tmp_path / "copy") == ["dump.rdb"]
    assert os.listdir(plain.folder) == []
    assert tagged(store.door.tag) == []


def test_keys_whose_time_ends_between_dump_and_proof_make_no_difference(
    store: RedisStore, server: RedisServer, tmp_path: Path
) -> None:
    plain = dumped(store, tmp_path / "dump")
    with server.client as client:
        while client.exists("session"):
            time.sleep(0.05)
    seen = loaded(store, plain, tmp_path / "copy")
    assert seen.counts["db0 expiring"] == 2
    assert (seen.counts, seen.digests) == (plain.dump.counts, plain.dump.digests)


def test_a_server_that_is_started_on_the_restored_folder_has_the_data(
    store: RedisStore, server: RedisServer, tmp_path: Path, free_port: int
) -> None:
    plain = dumped(store, tmp_path / "dump")
    (tmp_path / "other").mkdir()
    loaded(store, plain, tmp_path / "other" / "data")
    server.process.terminate()
    server.process.wait(30)
    with redis_server.server(tmp_path / "other", free_port) as other, other.client as client:
        assert client.lrange("list", 0, -1) == ["c", "b", "a"]
        assert client.fcall("price", 0) == 42
        assert 0 < client.ttl("cached") <= 86_400
        client.select(3)
        assert client.get("elsewhere") == "1"


@pytest.mark.parametrize("change", ["value", "key", "function", "ttl"])
def test_every_change_changes_what_is_said(store: RedisStore, server: RedisServer, tmp_path: Path, change: str) -> None:
    before = dumped(store, tmp_path / "one").dump
    with server.client as client:
        acts = {
            "value": lambda: client.hset("hash", "a", "9"),
            "key": lambda: client.rename("list", "tsil"),
            "function": lambda: client.function_load(LIBRARY.replace("42", "43"), replace=True),
            "ttl": lambda: client.persist("cached"),
        }
        acts[change]()
    after = dumped(store, tmp_path / "two").dump
    assert after.digests != before.digests


def test_a_dump_is_one_moment_of_a_server_that_is_being_written_to(
    store: RedisStore, server: RedisServer, tmp_path: Path
) -> None:
    script = "while true do local n = redis.call('INCR', 'n'); redis.call('SET', 'twin', n); if n % 50 == 0 then break end end"
    with server.client as client:
        client.execute_command("EVAL", script, 0)
    writer = subprocess.Popen(
        ["redis-benchmark", "-p", str(server.port), "-n", "100000000", "-q", "EVAL", script, "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        plain = dumped(store, tmp_path / "dump")
        with server.client as client:
            assert int(client.get("n")) > 50
    finally:
        writer.kill()
        writer.wait(30)
    seen = loaded(store, plain, tmp_path / "copy")
    assert seen.digests == plain.dump.digests


def test_a_flipped_bit_is_found(store: RedisStore, tmp_path: Path) -> None:
    plain = dumped(store, tmp_path / "dump")
    file = tmp_path / "dump" / "streams" / "dump.rdb"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(Damaged, match="cannot be loaded"):
        loaded(store, plain, tmp_path / "copy")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_file_that_is_cut_short_is_found(store: RedisStore, tmp_path: Path, share: float) -> None:
    plain = dumped(store, tmp_path / "dump")
    file = tmp_path / "dump" / "streams" / "dump.rdb"
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    with pytest.raises(Damaged, match="cannot be loaded"):
        loaded(store, plain, tmp_path / "copy")


def test_a_server_that_dies_in_the_middle_leaves_an_error_and_no_stream(
    store: RedisStore, server: RedisServer, tmp_path: Path
) -> None:
    with server.client as client:
        client.config_set("rdb-key-save-delay", 20_000)  # 20 ms for each key

    def kill(_: int) -> None:
        with suppress(StopIteration):
            next(pulses)
            return
        server.process.kill()

    pulses = iter(range(5))
    with pytest.raises(StepFailed, match="not complete"):
        dumped(store, tmp_path / "dump", Work(Deadline(Duration(60)), kill))
    assert os.listdir(tmp_path / "dump" / "streams") == []


SECRET = "s3cret-and-long"


def test_a_wrong_password_is_told_and_shown_nowhere(tmp_path: Path, free_port: int) -> None:
    with redis_server.server(tmp_path / "live", free_port, password="another") as server:
        store = store_of(server, password=secret(tmp_path, SECRET))
        with pytest.raises(Unreachable, match="did not let us in") as raised:
            dumped(store, tmp_path / "dump")
    assert SECRET not in "".join(traceback.format_exception(raised.value))


def test_the_password_is_on_no_command_line(tmp_path: Path, free_port: int) -> None:
    config, seen = tmp_path / "redis.conf", list[bytes]()
    config.write_text(f"requirepass {SECRET}\n")
    with redis_server.server(tmp_path / "live", free_port, config=config, password=SECRET) as server:
        many(server)
        work = Work(Deadline(Duration(60)), lambda _: seen.append(lines()))
        dumped(store_of(server, password=secret(tmp_path, SECRET)), tmp_path / "dump", work)
    assert any(b"redis-server\0-\0" in one for one in seen)
    assert not any(SECRET.encode() in one for one in seen)


def many(server: RedisServer) -> None:
    """Write so much that loading it takes a moment."""
    with server.client as client:
        client.execute_command("EVAL", "for n = 1, 300000 do redis.call('SET', n, n) end", 0)


def lines() -> bytes:
    """Return all command lines of this host."""
    found = b""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found += entry.read_bytes() + b"\n"
    return found


def test_a_user_who_may_not_replicate_is_told_what_to_grant(store: RedisStore, server: RedisServer, tmp_path: Path) -> None:
    with server.client as client:
        client.execute_command("ACL", "SETUSER", "default", "-sync", "-psync")
    with pytest.raises(StepFailed, match=r"does not hand out its data.*NOPERM"):
        dumped(store, tmp_path / "dump")


def test_without_a_scratch_server_the_backup_is_refused_before_it_starts_and_says_what_to_do(
    store: RedisStore, tmp_path: Path
) -> None:
    bare = replace(store, settings=replace(store.settings, scratch_server="/nowhere/redis-server"))
    with pytest.raises(Unreachable, match=r"scratch_server: ''"):
        dumped(bare, tmp_path / "dump")


def test_a_backup_that_is_not_loaded_says_nothing_of_its_content(store: RedisStore, tmp_path: Path) -> None:
    bare = replace(store, settings=replace(store.settings, scratch_server=""))
    plain = dumped(bare, tmp_path / "dump")
    assert (plain.dump.counts, plain.dump.digests) == ({}, {})
    assert loaded(bare, plain, tmp_path / "copy").counts == {}


KILLED = """
import os, sys
from pathlib import Path
from mainstay.kinds.redis.settings import RedisSettings
from mainstay.kinds.redis.settings import RedisSettings
from mainstay.kinds.redis.store import RedisStore
from mainstay.system.process import Door
from mainstay.vault.plain import PlainFolder
from mainstay.vault.store import unhurried
url, folder, tag = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
plain = PlainFolder(folder, unhurried(lambda _: os.kill(os.getpid(), 9) if runs.exists() else None))
runs = plain.folder / "scratch.sock"
RedisStore(folder, "cache", RedisSettings(url), Door(tag=tag)).dump(plain)
"""


def test_a_killed_dump_leaves_a_server_that_recovery_finds_by_the_tag_of_the_step(server: RedisServer, tmp_path: Path) -> None:
    many(server)
    tag = f"test-redis-{os.getpid()}"
    killed = subprocess.run([sys.executable, "-c", KILLED, server.url, str(tmp_path), tag], check=False, timeout=60)
    assert killed.returncode == -9
    assert end_tagged(tag) == 1


def test_a_user_with_the_documented_rights_and_no_more_is_enough(server: RedisServer, tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "back-up-redis.md"
    [rights] = [line for line in page.read_text().splitlines() if line.startswith("ACL SETUSER")]
    with server.client as client:
        client.execute_command(*rights.replace("PASSWORD", SECRET).split())
    known = RedisSettings(server.url.replace("//", "//mainstay@"), secret(tmp_path, SECRET))
    assert dumped(replace(store_of(server), settings=known), tmp_path / "dump").dump.counts["db3"] == 1


def test_a_server_in_a_container_is_loaded_on_this_host_all_the_same(store: RedisStore, tmp_path: Path) -> None:
    assert dumped(replace(store, door=Door(Place("no-such-container"))), tmp_path / "dump").dump.counts["db3"] == 1
