"""Extended attributes, POSIX ACLs and capabilities among them: in the tar as GNU tar and bsdtar write and read them.

Source: `SCHILY.xattr.*` of https://www.libarchive.org/ (libarchive-formats(5)), and `tar --xattrs` of GNU tar.
"""

from __future__ import annotations

import errno
import os
import tarfile
from pathlib import Path

from mainstay.model.errors import StepFailed

_KEY = "SCHILY.xattr."
_OF_THE_HOST = ("security.selinux", "security.ima", "security.evm", "trusted.overlay.")  # set by the system that holds a file
_INHERITED = ("system.posix_acl_access", "system.posix_acl_default")
_NONE = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


def headers(place: int | str) -> dict[str, str]:
    """Return the attributes of a file as headers of its entry; of a link, its own. `place` is a descriptor, or a path."""
    return {_KEY + name: _get(place, name).decode("utf-8", "surrogateescape") for name in _names(place)}


def of(member: tarfile.TarInfo) -> dict[str, str]:
    """Return the attributes among the headers of an entry, in their order."""
    return {name: value for name, value in sorted(member.pax_headers.items()) if name.startswith(_KEY)}


def restore(place: Path, member: tarfile.TarInfo) -> None:
    """Give a restored file what its entry says, and take from it what its new folder lent it."""
    wanted = {name.removeprefix(_KEY): value for name, value in of(member).items()}
    for name in set(_names(str(place))) & set(_INHERITED) - set(wanted):
        os.removexattr(place, name, follow_symlinks=False)
    for name, value in wanted.items():
        try:
            os.setxattr(place, name, value.encode("utf-8", "surrogateescape"), follow_symlinks=False)
        except OSError as error:
            next = "restore as root, onto a file system that keeps such attributes"
            because = f"{name}: {error.strerror}"
            raise StepFailed("an attribute of a file cannot be restored", on=member.name, because=because, next=next) from error


def _names(place: int | str) -> list[str]:
    try:
        names = os.listxattr(place, **_links(place))
    except OSError as error:
        if error.errno in _NONE:
            return []
        raise
    return sorted(name for name in names if not name.startswith(_OF_THE_HOST))


def _get(place: int | str, name: str) -> bytes:
    return os.getxattr(place, name, **_links(place))


def _links(place: int | str) -> dict[str, bool]:
    """A descriptor is never a link."""
    return {"follow_symlinks": False} if isinstance(place, str) else {}
