"""Copies elsewhere: servers that keep files, write conditionally, check credentials, and SFTP; cut, resumed, altered."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import proven

REMOTES, COPIES = "tests/vault/test_remotes.py", "tests/vault/test_copies.py"


def measure() -> Iterator[Goal]:
    """Run every line against real servers on loopback."""
    yield proven("off-site: altered behind S3", "found and named", COPIES, "-k", "behind_s3")
    yield proven("off-site: conditional writes", "nothing is written over", REMOTES, "-k", "written_over")
    yield proven("off-site: wrong credentials", "refused", REMOTES, "-k", "wrong_credentials or strange_host")
    yield proven("off-site: S3 and SFTP, made anew from the remote alone", "equal", COPIES, "-k", "made_anew")
    yield proven("off-site: cut in the middle", "not seen, resumed, compared", COPIES, REMOTES, "-k", "cut_off")
    yield proven("off-site: without Mainstay", "gpg + zstd + pg_restore only", "tests/test_restore_without_mainstay.py")
