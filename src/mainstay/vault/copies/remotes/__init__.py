"""Where copies are kept: another disk, a host with SFTP, an S3-compatible server. One file for each, one small protocol."""

from __future__ import annotations

from contextlib import AbstractContextManager

from mainstay.vault.copies.remotes.disk import DiskSettings, disk
from mainstay.vault.copies.remotes.remote import Remote
from mainstay.vault.copies.remotes.s3 import S3Settings, s3
from mainstay.vault.copies.remotes.sftp import SftpSettings, sftp

__all__ = ["DiskSettings", "Remote", "RemoteSettings", "S3Settings", "SftpSettings", "opened"]

RemoteSettings = DiskSettings | SftpSettings | S3Settings


def opened(settings: RemoteSettings) -> AbstractContextManager[Remote]:
    """Open a remote; what cannot be reached raises Unreachable, what is refused Refused."""
    if isinstance(settings, DiskSettings):
        return disk(settings)
    return sftp(settings) if isinstance(settings, SftpSettings) else s3(settings)
