"""The one way to a Redis server: bounded in time, never repeated by itself, and with errors that say what to do."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from mainstay.kinds.redis.settings import RedisSettings
from mainstay.model.errors import ConfigError, MainstayError, Refused, StepFailed, Unreachable
from mainstay.model.target import Target
from mainstay.system import secrets
from mainstay.system.process import Door

_CONNECTING = (
    ("Connection refused", "nobody listens there: is the server running, and are host and port of `url` right?"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not from an authority that is known here: set `authority`"),
    ("No such file", "there is no such socket: look at `url`"),
    ("Name or service not known", "the host's name is unknown: look at `url`"),
    ("imed out", "it does not answer: look at the network, at firewalls, and whether a long script blocks the server"),
    ("imeout", "it does not answer: look at the network, at firewalls, and whether a long script blocks the server"),
    ("max number of clients", "all connections are in use: close idle ones, or raise maxclients"),
)


class Server:
    """A server in the hands of one session; connections open when they are first used."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self.name = client, name

    def ask(self, *words: str) -> Any:
        """Send one command and return the driver's form of its answer."""
        with explained(self.name):
            return self._client.execute_command(*words)

    def information(self, section: str = "everything") -> dict[str, Any]:
        """Return what the server says of itself: numbers are numbers."""
        seen: dict[str, Any] = self.ask("INFO", section)
        return seen

    def setting(self, name: str) -> str | None:
        """Return a setting of the server; None where CONFIG is forbidden, as it is at many hosters."""
        try:
            return str(self.ask("CONFIG GET", name).get(name, ""))
        except (Refused, StepFailed):
            return None

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Yield a connection of its own, which is closed at the end."""
        pool = self._client.connection_pool
        with explained(self.name):
            connection = pool.get_connection()
        try:
            yield connection
        finally:
            connection.disconnect()
            pool.release(connection)


@contextmanager
def connect(target: Target, _door: Door) -> Iterator[Server]:
    """Open a target's server."""
    with opened(target.settings) as server:
        yield server


@contextmanager
def opened(settings: RedisSettings) -> Iterator[Server]:
    """Yield the server of these settings."""
    redis, known = _driver(), dict[str, Any]()
    if settings.url.startswith("rediss:") and settings.authority:
        known["ssl_ca_certs"] = str(settings.authority)
    if settings.password:
        known["password"] = secrets.resolve(settings.password).reveal()
    bounds = {"socket_timeout": float(settings.timeout), "socket_connect_timeout": float(settings.timeout)}
    client = redis.Redis.from_url(settings.url, client_name="mainstay", retry=_once(redis), **bounds, **known)
    with closing(client):
        yield Server(client, place(settings.url))


@contextmanager
def private(path: str, name: str) -> Iterator[Server]:
    """Yield the server at a socket, which is ours alone and may take as long as it needs."""
    redis = _driver()
    with closing(redis.Redis(unix_socket_path=path, socket_timeout=None, protocol=3, retry=_once(redis))) as client:
        yield Server(client, name)


@contextmanager
def explained(on: str) -> Iterator[None]:
    """Turn the driver's errors into ours."""
    redis = _driver()
    try:
        yield
    except redis.RedisError as error:
        raise _meaning(redis.exceptions, error, on) from None  # its context holds the connection, and that the password
    except OSError as error:
        raise _lost(error, on) from None


def place(url: str) -> str:
    """Name a server: host and port, or its socket."""
    parts = urlsplit(url)
    return parts.path if parts.scheme == "unix" else f"{parts.hostname or 'localhost'}:{parts.port or 6379}"


def _once(redis: ModuleType) -> Any:
    """Ask once: whether to ask again is not the driver's to decide."""
    return redis.retry.Retry(redis.backoff.NoBackoff(), 0)


def _driver() -> ModuleType:
    """Import the driver, which only those need who have a server."""
    try:
        importlib.import_module("redis.backoff")
        return importlib.import_module("redis")
    except ImportError as error:
        raise ConfigError("the kind redis needs the driver redis-py", next="pip install 'mainstay[redis]'") from error


def _meaning(kinds: Any, error: Exception, on: str) -> MainstayError:
    text = _one_line(error)
    match error:
        case kinds.AuthenticationError():
            next = "look at the secret that `password` names, and at the user in `url`"
            return Unreachable("the server did not let us in", on=on, because=text, next=next)
        case kinds.NoPermissionError():
            return Refused("this user may not do that", on=on, because=text, next="grant it: docs/how-to/back-up-redis.md")
        case kinds.BusyLoadingError():
            return Unreachable("the server is loading its data", on=on, because=text, next="try again when it has")
        case kinds.ConnectionError() | kinds.TimeoutError():
            return _lost(error, on)
    return StepFailed("Redis refused a command", on=on, because=text)


def _lost(error: Exception, on: str) -> Unreachable:
    text = _one_line(error)
    next_step = next((step for phrase, step in _CONNECTING if phrase in text), "try the same with redis-cli")
    return Unreachable("cannot talk to Redis", on=on, because=text, next=next_step)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
