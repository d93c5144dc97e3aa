"""A look at real servers: what they say of themselves, and what is wrong with them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstay.kinds import registry
from mainstay.kinds.kind import Session
from mainstay.kinds.redis.facts import Facts
from mainstay.kinds.redis.server import connect
from mainstay.kinds.redis.settings import RedisSettings
from mainstay.model.because import Level
from mainstay.model.errors import Unreachable
from mainstay.model.target import Target
from mainstay.system.process import Door
from tests.kinds.redis.conftest import dumped, secret, store_of
from tests.live import redis_server
from tests.live.redis_server import RedisServer
from tests.servers import Authority

CHECK = registry.load("redis").task("check")


@contextmanager
def session(url: str, **settings: Any) -> Iterator[Session]:
    target = Target("cache", "redis", RedisSettings(url, **settings))
    with connect(target, Door()) as opened:
        yield Session(target, Door(), opened)


def look(server: RedisServer, last: Facts | None = None, **settings: Any) -> tuple[Facts, list[str]]:
    with session(server.url, **settings) as opened:
        facts = CHECK.observe(replace(opened, last=last))
    return facts, [str(one.because) for one in CHECK.assess(facts, CHECK.params()) if one.level is not Level.OK]


def test_a_server_says_what_it_holds(server: RedisServer) -> None:
    facts, found = look(server)
    assert (facts.role, facts.keys, facts.loading, facts.saving.points) == ("master", 209, False, "")
    assert found == []
    assert {figure.name for figure in CHECK.figures(facts)} == {"answer time", "memory", "keys", "evicted keys"}


def test_a_save_that_failed_is_found(server: RedisServer) -> None:
    with server.client as client:
        (server.folder / "dump.rdb").mkdir()
        client.bgsave()
        while client.info("persistence")["rdb_bgsave_in_progress"]:
            pass
    assert look(server)[1] == ["rdb_last_bgsave_status err != ok"]


def test_a_full_server_and_what_it_evicts_since_the_last_look_are_found(server: RedisServer) -> None:
    before, _ = look(server)
    with server.client as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("maxmemory", before.used + 300_000)
        for number in range(2000):
            client.set(f"more:{number}", "x" * 1000)
    after, found = look(server, before)
    assert any(text.startswith("memory ") for text in found)
    assert f"keys evicted since the previous look {after.evicted:,} > 0" in found
    assert look(server, after)[0].evicted_anew == 0


def test_a_server_that_loads_is_told_apart_from_one_that_is_gone(server: RedisServer, tmp_path: Path) -> None:
    with server.client as client:
        client.execute_command("EVAL", "for n = 1, 20000 do redis.call('SET', n, n) end", 0)
        client.save()
    server.process.kill()
    server.process.wait()
    with pytest.raises(Unreachable, match=r"Connection refused.*\n.*nobody listens"):
        look(server)
    slow = ("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
    with redis_server.server(tmp_path / "live", server.port, *slow) as again:
        assert look(again)[1] == ["loading its data: True"]


def test_a_replica_without_its_primary_is_found(server: RedisServer, free_port: int) -> None:
    with server.client as client:
        client.replicaof("127.0.0.1", 1)
    facts, _ = look(server)
    assert (facts.role, facts.link) == ("slave", False)


def test_a_user_who_may_not_ask_for_settings_is_enough(server: RedisServer, tmp_path: Path) -> None:
    with server.client as client:
        client.execute_command("ACL", "SETUSER", "mainstay", "on", ">abc", "+info", "+client|setname")
    with session(server.url.replace("//", "//mainstay@"), password=secret(tmp_path, "abc")) as opened:
        facts = CHECK.observe(opened)
    assert (facts.keys, facts.saving.points) == (209, None)


def test_a_server_that_hangs_is_given_up(server: RedisServer) -> None:
    server.process.send_signal(19)
    with pytest.raises(Unreachable, match="does not answer"):
        look(server, timeout=0.3)


def test_a_server_with_a_certificate_is_trusted_by_its_authority_alone(tmp_path: Path, free_port: int) -> None:
    authority = Authority(tmp_path)
    authority.context(timedelta(days=1), timedelta(days=9))
    known = ("--tls-cert-file", "server.pem", "--tls-key-file", "server.pem", "--tls-ca-cert-file", "ca.pem")
    files = [word if word.startswith("--") else str(tmp_path / word) for word in known]
    with socket.create_server(("127.0.0.1", 0)) as probe:
        plain, url = probe.getsockname()[1], f"rediss://localhost:{free_port}"
    with redis_server.server(
        tmp_path / "live", plain, "--tls-port", str(free_port), *files, "--tls-auth-clients", "no"
    ) as server:
        with session(url, authority=authority.file) as opened:
            assert CHECK.observe(opened).role == "master"
        over_tls = RedisSettings(url, authority=authority.file)
        assert dumped(replace(store_of(server), settings=over_tls), tmp_path / "dump").dump.counts["libraries"] == 0
        with pytest.raises(Unreachable, match="set `authority`"), session(url) as opened:
            CHECK.observe(opened)
