"""The door to secrets. A secret is fetched where it is used, and cannot be printed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from mainstay.model.errors import ConfigError
from mainstay.model.setting import SecretRef
from mainstay.model.units import Duration, Size
from mainstay.system.files import read_bounded
from mainstay.system.process import Door

_DEADLINE = Duration(10)
_MOST = Size(1 << 20)


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


def redact(text: str, secrets: Iterable[Secret], *, cut: bool = False) -> str:
    """Mask secrets in what another program printed, and where that was cut off, the beginning of one at its end."""
    for secret in secrets:
        text = text.replace(secret.reveal(), "***")
        if cut:
            shown = next((size for size in range(len(secret.reveal()), 0, -1) if text.endswith(secret.reveal()[:size])), 0)
            text = text[: len(text) - shown] + "***" if shown else text
    return text


def _from_file(ref: SecretRef) -> str:
    path = Path(str(ref.value))
    try:
        content = read_bounded(path, _MOST)
        mode = path.stat().st_mode
    except OSError as error:
        raise ConfigError(
            f"cannot read the secret file {path}: {error.strerror}", next=f"create {path} with mode 0600"
        ) from error
    if mode & 0o077:
        raise ConfigError(f"the secret file {path} can be read by others", next=f"chmod 600 {path}")
    return _text(content, f"the secret file {path}")


def _from_credential(ref: SecretRef) -> str:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ConfigError(
            f"credential {ref.value}: CREDENTIALS_DIRECTORY is not set",
            next="start it by systemd with LoadCredential=, or use {file: ...}",
        )
    path = Path(folder) / str(ref.value)
    try:
        return _text(read_bounded(path, _MOST), f"the credential {ref.value}")
    except OSError as error:
        raise ConfigError(f"cannot read the credential {ref.value}: {error.strerror}") from error


def _from_command(ref: SecretRef) -> str:
    argv = (ref.value,) if isinstance(ref.value, str) else ref.value
    done = Door().run(argv, _DEADLINE)
    if done.code:
        raise ConfigError(
            f"the secret command {argv[0]} ended with exit code {done.code}", next="run it by hand as the same user"
        )
    return _text(done.stdout, f"what the secret command {argv[0]} printed")


def _text(content: bytes, what: str) -> str:
    try:
        return content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError(f"{what} is not UTF-8 text") from None  # the error holds what was read


def _from_env(ref: SecretRef) -> str:
    return os.environ.get(str(ref.value), "")
