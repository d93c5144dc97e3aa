"""A host with an SFTP server. Its host key must be known already; a strange one is refused."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

from mainstay.model.errors import ConfigError, Refused, StepFailed, Unreachable
from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Size
from mainstay.vault.remotes.disk import PART
from mainstay.vault.remotes.remote import Exists, Missing, Remote, Stored, chunks, hashed
from mainstay.vault.store import Work

if TYPE_CHECKING:
    from paramiko import SFTPClient, SSHClient

_REQUEST = 32 << 10  # bytes of one request, the most that every server answers
_AHEAD = 16 << 20  # bytes that are asked for at once: what they cost in memory


@dataclass(frozen=True)
class SftpSettings:
    """A folder on another host."""

    host: Annotated[str, Setting("the name of the host", example="backup.example.org")]
    user: Annotated[str, Setting("who logs in there", example="mainstay")]
    folder: Annotated[str, Setting("a folder there, absolute or below the user's own; it must exist", example="copies")]
    key: Annotated[Path, Setting("private SSH key without a passphrase, mode 0600", example="/etc/mainstay/ssh_key")]
    known_hosts: Annotated[Path, Setting("file with the key of the host", example="/etc/mainstay/known_hosts")]
    port: Annotated[int, Setting("port of the SSH server", ge=1, le=65535)] = 22
    timeout: Annotated[Duration, Setting("the longest that the host may be silent", ge=1, example="60s")] = Duration(60)


@contextmanager
def sftp(settings: SftpSettings) -> Iterator[Remote]:
    """Connect when the first call needs it, and close at the end."""
    remote = Sftp(settings)
    try:
        yield remote
    finally:
        remote.close()


@dataclass
class Sftp:
    """A folder of files on another host. What is half written is called NAME.part."""

    settings: SftpSettings
    _client: SSHClient | None = None
    _channel: SFTPClient | None = None
    _made: set[PurePosixPath] = field(default_factory=set)

    def put(self, name: str, source: Path, sha256: str, work: Work) -> None:
        """Write beside and rename; the server refuses to rename over anything."""
        path, part = self._path(name), self._path(name + PART)
        with self._told(name) as channel:
            if _size(channel, path) is not None:
                raise Exists("this name is taken", on=self._url(name))
            self._make(channel, PurePosixPath(path).parent)
            with source.open("rb") as file, channel.open(part, "wb") as out:
                out.chmod(0o600)
                out.set_pipelined(True)
                hashed(chunks(file), work, out)
            if _size(channel, part) != source.stat().st_size:
                raise Unreachable("a file did not arrive whole", on=self._url(name), because="its size is another")
            channel.rename(part, path)

    def read(self, name: str) -> Iterator[bytes]:
        """Read it, many requests at a time."""
        with self._told(name) as channel:
            size = _size(channel, self._path(name))
            if size is None:
                raise Missing("a file is not there", on=self._url(name))
            with channel.open(self._path(name), "rb") as file:
                for start in range(0, size, _AHEAD):
                    yield from file.readv(_pieces(start, min(start + _AHEAD, size)))

    def sha256(self, name: str, work: Work) -> str:
        """Read it back: the protocol has no checksum that OpenSSH would tell."""
        return hashed(self.read(name), work)

    def list(self, prefix: str) -> Iterator[Stored]:
        """Walk the folder."""
        with self._told(prefix) as channel:
            found = list(_walked(channel, self._path(prefix).rstrip("/")))
        root = self._path("")
        yield from (Stored(path.removeprefix(root), size) for path, size in found)

    def delete(self, name: str) -> None:
        """Remove the file; empty folders stay."""
        with self._told(name) as channel:
            if _size(channel, self._path(name)) is not None:
                channel.remove(self._path(name))

    def tidy(self, name: str) -> None:
        """Remove its part."""
        self.delete(name + PART)

    def close(self) -> None:
        """Hang up."""
        if self._client:
            self._client.close()
        self._client = self._channel = None

    def _make(self, channel: SFTPClient, folder: PurePosixPath) -> None:
        if folder in self._made or str(folder) == self.settings.folder:
            return
        self._make(channel, folder.parent)
        if _size(channel, str(folder)) is None:
            channel.mkdir(str(folder), 0o700)
        self._made.add(folder)

    def _path(self, name: str) -> str:
        return f"{self.settings.folder}/{name}"

    def _url(self, name: str) -> str:
        return f"sftp://{self.settings.host}/{self._path(name)}"

    @contextmanager
    def _told(self, name: str) -> Iterator[SFTPClient]:
        """Lend the channel, and say what went wrong; after a failure of the connection the next call makes a new one."""
        from paramiko import SSHException

        try:
            self._channel = self._channel or self._connected()
            yield self._channel
        except (SSHException, EOFError, OSError) as error:
            because, lost = str(error) or type(error).__name__, self._lost(error)
            if lost:
                self.close()
                raise Unreachable("the connection broke", on=self._url(name), because=because, next="try again later") from error
            next = f"look at {self.settings.folder} there: its owner, its mode, its space"
            raise StepFailed("the SFTP server refused", on=self._url(name), because=because, next=next) from error

    def _lost(self, error: Exception) -> bool:
        """Tell whether a failure is one of the connection, and not an answer of the server."""
        channel = self._channel.get_channel() if self._channel else None
        answered = isinstance(error, OSError) and not isinstance(error, ConnectionError | TimeoutError)
        return not answered or channel is None or channel.closed

    def _connected(self) -> SFTPClient:
        """Log in by key; Refused when the host or the user is not the right one."""
        from paramiko import AuthenticationException, BadHostKeyException, SSHException

        on = f"{self.settings.user}@{self.settings.host}:{self.settings.port}"
        try:
            self._client, channel = _login(self.settings)
        except BadHostKeyException as error:
            because, next = "its key is not the one in known_hosts", "find out why it changed before you change known_hosts"
            raise Refused("this may be another host", on=on, because=because, next=next) from error
        except AuthenticationException as error:
            next = "put the public half of `key` into its authorized_keys"
            raise Refused("the host does not accept our key", on=on, because=str(error), next=next) from error
        except SSHException as error:
            if "known_hosts" not in str(error):
                raise
            next = f"compare its fingerprint, then add its key to {self.settings.known_hosts}"
            raise Refused("this host is not known", on=on, because=str(error), next=next) from error
        except OSError as error:
            because, next = error.strerror or str(error), "look whether it is up, and try again"
            raise Unreachable("the host does not answer", on=on, because=because, next=next) from error
        return channel


def _login(settings: SftpSettings) -> tuple[SSHClient, SFTPClient]:
    try:
        from paramiko import PKey, RejectPolicy, SSHClient
    except ImportError as error:
        raise ConfigError("SFTP needs paramiko", next="pip install 'mainstay[sftp]'") from error
    limit = settings.timeout
    client = SSHClient()
    client.set_missing_host_key_policy(RejectPolicy())
    client.load_host_keys(str(settings.known_hosts))
    client.connect(
        settings.host,
        settings.port,
        settings.user,
        pkey=PKey.from_path(settings.key),
        allow_agent=False,
        look_for_keys=False,
        timeout=limit,
        banner_timeout=limit,
        auth_timeout=limit,
        channel_timeout=limit,
    )
    channel = client.open_sftp()
    if raw := channel.get_channel():
        raw.settimeout(limit)
    return client, channel


def _pieces(start: int, end: int) -> list[tuple[int, int]]:
    return [(at, min(_REQUEST, end - at)) for at in range(start, end, _REQUEST)]


def _size(channel: SFTPClient, path: str) -> int | None:
    try:
        return channel.stat(path).st_size
    except FileNotFoundError:
        return None


def _walked(channel: SFTPClient, folder: str) -> Iterator[tuple[str, Size]]:
    try:
        entries = channel.listdir_attr(folder)
    except FileNotFoundError:
        return
    for entry in entries:
        path = f"{folder}/{entry.filename}"
        if stat.S_ISDIR(entry.st_mode or 0):
            yield from _walked(channel, path)
        else:
            yield path, Size(entry.st_size or 0)
