"""Every fault of the matrix is found, and the message names the object."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.promises.goal import Goal
from benchmarks.promises.pytests import proven

VAULT, STORE = "tests/vault/test_faults.py", "tests/kinds/postgres/store"
TAMPERING, LOAD = "tests/vault/test_tampering.py", f"{STORE}/test_load.py"
# Each fault, and the tests that plant it and ask for the name of the object in the message.
MATRIX: dict[str, tuple[str, ...]] = {
    "killed dump": (VAULT, f"{STORE}/test_dump.py", f"{STORE}/test_faults.py", "-k", "killed or error_of_a_stream or stops_when"),
    "truncation at 50 offsets of every class": (VAULT, "-k", "cut_short"),
    "flipped bit in every class": (VAULT, "-k", "flipped_bit"),
    "flipped bit in every stream of PostgreSQL's": (f"{STORE}/test_faults.py", "-k", "flipped_bit"),
    "flipped bit in manifest and sums": (TAMPERING, "-k", "every_single_bit"),
    "flipped bit in list and signature": ("tests/vault/test_copies.py", "-k", "flipped_bit"),
    "missing object": (VAULT, "-k", "missing_object"),
    "swapped manifests": (TAMPERING, "-k", "changed_places"),
    "wrong base": ("tests/vault/test_deltas.py", "-k", "wrong_base or wrong_window"),
    "wrong key": ("tests/vault/test_copies.py", "-k", "wrong_key"),
    "missing role, missing extension, newer server": (LOAD, "-k", "lacks_something or role_that_was_dropped"),
    "full disk at every stage": (
        "tests/live/test_full_disk.py",
        "tests/vault/test_backup.py",
        "-k",
        "vault or backup or full_disk",
    ),
    "repository gone in the middle": (VAULT, "-k", "moved_away or unmounted or gone"),
    "two backups at once": (VAULT, "-k", "two_backups"),
    "clock set back": ("tests/live/test_clock.py", "tests/vault/test_retention.py", "-k", "clock"),
}


def measure() -> Iterator[Goal]:
    """Plant each fault."""
    for fault, tests in MATRIX.items():
        yield proven(f"fault: {fault}", "100 % found, the object named", *tests)
