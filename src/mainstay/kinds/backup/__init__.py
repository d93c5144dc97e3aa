"""A repository of backups that are proven by restoring them."""

from __future__ import annotations

from mainstay.kinds.backup.copies.copy import Copy
from mainstay.kinds.backup.copies.drill_keys import DrillKeys
from mainstay.kinds.backup.copies.fetch import Fetch
from mainstay.kinds.backup.copies.prune_copies import PruneCopies
from mainstay.kinds.backup.copies.verify_copies import VerifyCopies
from mainstay.kinds.backup.judging.check import Check
from mainstay.kinds.backup.making.backup import Backup
from mainstay.kinds.backup.making.drill import Drill
from mainstay.kinds.backup.making.prove import Prove
from mainstay.kinds.backup.making.prune import Prune
from mainstay.kinds.backup.making.rehearse import Rehearse
from mainstay.kinds.backup.making.verify import Verify
from mainstay.kinds.backup.people.approve import Approve
from mainstay.kinds.backup.people.hold import Hold
from mainstay.kinds.backup.people.release import Release
from mainstay.kinds.backup.restoring.drop_old import DropOld
from mainstay.kinds.backup.restoring.restore import Restore
from mainstay.kinds.backup.restoring.swap import Swap
from mainstay.kinds.backup.restoring.unswap import Unswap
from mainstay.kinds.backup.settings import BackupSettings
from mainstay.kinds.kind import Kind
from mainstay.model.target import Target


def resource(target: Target) -> str:
    """Identify a repository by its real path."""
    return f"backup:{target.settings.repository.path.resolve()}"


KIND = Kind(
    name="backup",
    summary="a repository: backup, verify, prove, prune, restore into a new place, exchange with the live one, copies elsewhere",
    settings=BackupSettings,
    tasks=(
        Check(),
        Backup(),
        Verify(),
        Prove(),
        Prune(),
        Restore(),
        Swap(),
        Unswap(),
        DropOld(),
        Hold(),
        Release(),
        Approve(),
        Drill(),
        Rehearse(),
        Copy(),
        VerifyCopies(),
        PruneCopies(),
        Fetch(),
        DrillKeys(),
    ),
    category="data",
    resource=resource,
)
