"""Real HTTP servers on loopback for tests, well-behaved and not, and an authority that signs for them."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Handler(BaseHTTPRequestHandler):
    """Answers by path, and remembers what it was asked."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, str, dict[str, str]]]
    pages: dict[str, Callable[[Handler], None]]

    def do_GET(self) -> None:
        self.asked.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.pages.get(self.path, Handler.missing)(self)

    do_HEAD = do_POST = do_GET

    def missing(self) -> None:
        self.answer(404, b"no such page")

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is what some tests are about."""


class Site:
    """A server with pages: functions that get the handler."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.pages: dict[str, Callable[[Handler], None]] = {}
        handler = type("Bound", (Handler,), {"asked": self.asked, "pages": self.pages})
        self.server = Server(("127.0.0.1", 0), handler)
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.base = f"{'https' if context else 'http'}://localhost:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def page(self, path: str, status: int, body: bytes, **headers: str) -> str:
        """Add a page and return its URL."""
        self.pages[path] = lambda handler: handler.answer(status, body, **headers)
        return self.base + path

    def __enter__(self) -> Site:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@contextmanager
def raw(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen, and hand the one connection that comes to `serve`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def work() -> None:
            with suppress(OSError), listener.accept()[0] as connection:
                serve(connection)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        thread.join(5)


class Authority:
    """A certificate authority that signs for localhost."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        now = datetime.now(UTC)
        own = self._build(self.name, self.key.public_key(), now - timedelta(days=900), now + timedelta(days=900))
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.file = folder / "ca.pem"
        self.file.write_bytes(own.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def context(self, age: timedelta, left: timedelta, host: str = "localhost") -> ssl.SSLContext:
        """Sign a certificate that is so old and has so long left, and return a server's context with it."""
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        builder = self._build(name, key.public_key(), now - age, now + left)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        file = self.folder / "server.pem"
        file.write_bytes(
            builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _build(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, since: datetime, until: datetime
    ) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder(issuer_name=self.name, subject_name=name, public_key=key)
        return builder.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)
