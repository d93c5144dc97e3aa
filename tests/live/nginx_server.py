"""A real nginx in a folder: a public server that includes the maintenance mode, and an application behind it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_WORKERS = 2
_CONF = """\
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log notice;
{user}
events {{ worker_connections 1024; }}
http {{
    access_log off;
    open_file_cache max=100;
    open_file_cache_valid 60s;
    client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
    uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
    keepalive_requests 1000000;
    include {folder}/conf.d/*.conf;
    server {{
        listen 127.0.0.1:{port};
        include {folder}/mode[.]conf;
        location /stub {{ stub_status; }}
        location ~ \\.php$ {{ return 200 "regex\\n"; }}
        location / {{ proxy_pass http://127.0.0.1:{behind}; }}
    }}
    server {{
        listen 127.0.0.1:{behind} backlog=1024;
        location / {{ return 200 "application\\n"; }}
        location /slow {{ limit_rate 20; return 200 "{slow}"; }}
    }}
}}
"""


class Nginx:
    """Starts as the user of the test, and ends by its process id."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.behind = folder, free_port(), free_port()
        (folder / "conf.d").mkdir()
        (folder / "tmp").mkdir()
        user = "user root;" if Path("/proc/self").stat().st_uid == 0 else ""
        text = _CONF.format(folder=folder, port=self.port, behind=self.behind, user=user, slow="x" * 40, workers=_WORKERS)
        (folder / "nginx.conf").write_text(text)

    @property
    def argv(self) -> list[str]:
        """How this nginx is called."""
        return ["/usr/sbin/nginx", "-e", str(self.folder / "error.log"), "-c", str(self.folder / "nginx.conf")]

    def url(self, path: str = "/") -> str:
        """Return a public URL."""
        return f"http://127.0.0.1:{self.port}{path}"

    def settings(self, **more: Any) -> dict[str, Any]:
        """Return what a configuration says about it."""
        known = {
            "folder": str(self.folder / "mode"),
            "include": str(self.folder / "mode.conf"),
            "http_include": str(self.folder / "conf.d" / "mainstay.conf"),
            "command": self.argv,
            "urls": [self.url()],
            "exempt_urls": [self.url("/health")],
            "proof_within": "5s",
        }
        return {"kind": "nginx", **known, **more}

    def start(self) -> None:
        """Start, and wait until it listens."""
        subprocess.run(self.argv, check=True, capture_output=True, timeout=30)

    def reloaded(self) -> None:
        """Wait until the workers of the configuration before the newest are gone: they close idle connections as they go."""
        until = time.monotonic() + 10
        while (self.folder / "error.log").read_text().count("exited with code 0") < _WORKERS:
            assert time.monotonic() < until
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop at once, and wait until it is gone."""
        pid = self.folder / "nginx.pid"
        if not pid.exists() or not pid.read_text().strip():  # `nginx -t` leaves an empty one
            return
        os.kill(int(pid.read_text()), signal.SIGTERM)  # `-s stop` would need a configuration that is whole
        until = time.monotonic() + 10
        while pid.exists() and time.monotonic() < until:
            time.sleep(0.01)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def running(folder: Path) -> Iterator[Nginx]:
    """Start one and end it."""
    server = Nginx(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
