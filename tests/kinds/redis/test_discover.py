"""Servers of this host are found by their sockets, each once."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

from mainstay.kinds.redis.discover import sockets


def test_a_socket_is_seen_once_though_two_paths_lead_to_it(tmp_path: Path) -> None:
    (tmp_path / "run" / "redis").mkdir(parents=True)
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "run").symlink_to("../run")
    folder = os.open(tmp_path / "run" / "redis", os.O_PATH)
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(f"/proc/self/fd/{folder}/redis.sock")  # the path of a socket may have 107 bytes at most
        os.close(folder)
        found = list(sockets((tmp_path / "run" / "redis", tmp_path / "var" / "run" / "redis", tmp_path / "none")))
    assert found == [tmp_path / "run" / "redis" / "redis.sock"]
