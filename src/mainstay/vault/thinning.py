"""Remove copies that no rule wants, and files at a remote that no copy needs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from mainstay.model.errors import Refused
from mainstay.system.files import remove
from mainstay.vault.copies import Copies
from mainstay.vault.names import BackupId
from mainstay.vault.remotes.remote import listed, patiently
from mainstay.vault.signed_list import BACKUPS, OBJECTS, SIGNATURE
from mainstay.vault.store import Work


def drop(copies: Copies, id: BackupId, work: Work) -> None:
    """Remove a copy, its signature first: from then on nobody takes it for one. Then remove what no copy needs any more."""
    start = f"{BACKUPS}{id}/"
    with copies.at_work():
        remove(copies.folder(id))
        found = {one.name for one in listed(copies.remote, start, work)} - {start + SIGNATURE}
        _delete(copies, [start + SIGNATURE, *sorted(found)], work)
        _delete(copies, unneeded(copies, work), work)


def unneeded(copies: Copies, work: Work) -> tuple[str, ...]:
    """Name the files at a remote that no copy needs, neither a complete one nor one that is being made.

    Damaged or Missing when a signed list cannot be trusted, and Refused when a copy is gone that nobody has pruned: then nobody
    can tell.
    """
    lists = copies.lists(work)
    drafts = [id for id in copies.drafts() if copies.repository.folder(id).is_dir()]
    if gone := sorted(copies.known() - set(lists)):
        next = f"look what happened there; to give the copy up: remove {copies.folder(gone[0])}"
        raise Refused("a copy is gone that nobody has pruned", on=copies.name, because=gone[0], next=next)
    needed = {name for one in lists.values() for name in one.files}
    needed |= {name for id in drafts for name in copies.drafted(id)}
    kept = tuple(f"{BACKUPS}{id}/" for id in (*lists, *drafts))
    there = [one.name for start in (BACKUPS, OBJECTS) for one in listed(copies.remote, start, work)]
    return tuple(name for name in there if name not in needed and not name.startswith(kept))


def collect(copies: Copies, work: Work) -> None:
    """Remove what no copy needs; nothing when nobody can tell."""
    with copies.at_work():
        for id in copies.drafts():
            if not copies.repository.folder(id).is_dir():
                remove(copies.folder(id))  # its backup is gone: nobody will finish it
        _delete(copies, unneeded(copies, work), work)


def _delete(copies: Copies, names: Iterable[str], work: Work) -> None:
    for name in names:
        work.pulse()
        patiently(partial(copies.remote.delete, name), work)
