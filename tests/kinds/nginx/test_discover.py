"""What `mainstay init` finds of an nginx that runs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mainstay.config import load
from mainstay.discover import Seen, init_text, write
from mainstay.engine.run import Launch
from mainstay.kinds import registry
from mainstay.kinds.kind import Found
from mainstay.kinds.nginx import blocks
from mainstay.kinds.nginx.discover import discover
from tests.engine.shop import Shop
from tests.live.nginx_server import Nginx

CONF = """\
stream { upstream up { server 10.0.0.1:5432; } server { listen 5432; } }
http {  # a brace in a comment: }
  map $uri $x { default "a } in a string;"; }
  server { listen 80 default_server; listen [::]:80; server_name _; return 301 https://$host$request_uri; }
  server { listen 80; listen 443 ssl; server_name *.shop.example "~^www\\d{1,2}\\.x$" shop.example; location / { root /srv; } }
  server { listen unix:/run/x.sock; }
  server { listen 127.0.0.1:8080; }
  server { listen [::1]:8443 ssl; server_name ""; }
}
"""


def mine(server: Nginx) -> Found:
    """Return what was found of this nginx; others may run."""
    (found,) = (one for one in discover() if str(server.folder / "nginx.conf") in one.settings.get("command", []))
    return found


def test_each_server_block_is_asked_by_the_name_and_scheme_that_users_know() -> None:
    servers = blocks.servers(list(blocks.directives(CONF)))
    assert [blocks.url(one) for one in servers] == [
        "http://localhost/",
        "https://shop.example/",
        None,
        "http://127.0.0.1:8080/",
        "https://[::1]:8443/",
    ]


def test_a_running_nginx_is_found_with_what_it_serves_and_where_its_mode_would_go(server: Nginx) -> None:
    found = mine(server)
    assert found.settings["urls"] == [f"http://127.0.0.1:{server.port}/", f"http://127.0.0.1:{server.behind}/"]
    assert found.settings["http_include"] == str(server.folder / "conf.d/mainstay.conf")
    assert "for its maintenance mode: mainstay run web.setup" in found.comment


def test_what_init_writes_can_be_checked_and_set_up_as_it_is(server: Nginx, tmp_path: Path) -> None:
    found = mine(server)
    text = init_text([Seen(registry.load("nginx"), found)], [], "demo", "UTC", registry)
    path = tmp_path / "mainstay.yaml"
    write(path, f"{text}state: {tmp_path}/state\n", registry)
    assert load(path, registry).targets["web"].settings.urls
    shop = Shop(tmp_path)
    shop.targets["web"] = {"kind": "nginx", **found.settings, "folder": str(tmp_path / "mode")}
    assert shop.open().run("web.setup", Launch(by="ann")).settled
    conf = (server.folder / "nginx.conf").read_text()
    (server.folder / "nginx.conf").write_text(conf.replace("mode[.]conf", "mainstay-server.conf"))
    assert "1 of 2 server blocks have the maintenance mode" in mine(server).comment


def test_an_nginx_whose_files_are_broken_is_found_and_that_is_said(server: Nginx) -> None:
    with (server.folder / "nginx.conf").open("a") as file:
        file.write("nonsense;\n")
    assert 'its test says: unknown directive "nonsense"' in mine(server).comment


@pytest.mark.skipif(not shutil.which("setpriv") or Path("/proc/self").stat().st_uid != 0, reason="needs root, for another user")
def test_a_program_of_somebody_else_that_calls_itself_nginx_is_not_run(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\necho caught > {tmp_path}/caught\n")
    trap.chmod(0o755)
    argv = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/bin/bash", "-c"]
    forged = subprocess.Popen([*argv, f'exec -a "nginx: master process {trap} -c x" sleep 60'])
    try:
        while b"nginx: master" not in Path(f"/proc/{forged.pid}/cmdline").read_bytes():
            assert forged.poll() is None
        discover()
        assert not (tmp_path / "caught").exists()
    finally:
        forged.kill()
        forged.wait()
