"""The door to secrets. A secret is fetched where it is used, and cannot be printed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from mainstay.model.errors import ConfigError
from mainstay.model.setting import SecretRef
from mainstay.model.units import Duration
from mainstay.system.process import Door

_DEADLINE = Duration(10)


@dataclass(frozen=True, repr=False)
class Secret:
    """A value that shows itself only to `reveal()`; formatting, pickling and JSON are refused or masked."""

    _value: str

    def reveal(self) -> str:
        """Return the secret itself; call it in the expression that hands it over, and keep no copy."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret cannot be serialised")


def resolve(ref: SecretRef) -> Secret:
    """Fetch a secret; ConfigError says where it was looked for and what is wrong there, never what was found."""
    fetch = {"file": _from_file, "credential": _from_credential, "command": _from_command, "env": _from_env}[ref.source]
    value = fetch(ref)
    if not value:
        raise ConfigError(f"the secret from {ref.source} is empty", next="write the secret there; a trailing newline is ignored")
    return Secret(value)


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """Mask secrets in what another program printed."""
    for secret in secrets:
        text = text.replace(secret.reveal(), "***")
    return text


def _from_file(ref: SecretRef) -> str:
    path = Path(str(ref.value))
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(
            f"cannot read the secret file {path}: {error.strerror}", next=f"create {path} with mode 0600"
        ) from error
    with os.fdopen(fd, encoding="utf-8") as file:
        if os.fstat(fd).st_mode & 0o077:
            raise ConfigError(f"the secret file {path} can be read by others", next=f"chmod 600 {path}")
        return file.read().rstrip("\r\n")


def _from_credential(ref: SecretRef) -> str:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ConfigError(
            f"credential {ref.value}: CREDENTIALS_DIRECTORY is not set",
            next="start it by systemd with LoadCredential=, or use {file: ...}",
        )
    path = Path(folder) / str(ref.value)
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise ConfigError(f"cannot read the credential {ref.value}: {error.strerror}") from error


def _from_command(ref: SecretRef) -> str:
    argv = (ref.value,) if isinstance(ref.value, str) else ref.value
    done = Door().run(argv, _DEADLINE)
    if done.code:
        raise ConfigError(
            f"the secret command {argv[0]} ended with exit code {done.code}", next="run it by hand as the same user"
        )
    return done.stdout.decode().rstrip("\r\n")


def _from_env(ref: SecretRef) -> str:
    return os.environ.get(str(ref.value), "")
