"""A repository of backups that are proven by restoring them."""

from __future__ import annotations

from mainstay.kinds.backup.approve import Approve
from mainstay.kinds.backup.backup import Backup
from mainstay.kinds.backup.check import Check
from mainstay.kinds.backup.copy import Copy
from mainstay.kinds.backup.drill import Drill
from mainstay.kinds.backup.drill_keys import DrillKeys
from mainstay.kinds.backup.drop_old import DropOld
from mainstay.kinds.backup.fetch import Fetch
from mainstay.kinds.backup.hold import Hold
from mainstay.kinds.backup.prove import Prove
from mainstay.kinds.backup.prune import Prune
from mainstay.kinds.backup.prune_copies import PruneCopies
from mainstay.kinds.backup.release import Release
from mainstay.kinds.backup.restore import Restore
from mainstay.kinds.backup.settings import BackupSettings
from mainstay.kinds.backup.swap import Swap
from mainstay.kinds.backup.unswap import Unswap
from mainstay.kinds.backup.verify import Verify
from mainstay.kinds.backup.verify_copies import VerifyCopies
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
        Copy(),
        VerifyCopies(),
        PruneCopies(),
        Fetch(),
        DrillKeys(),
    ),
    category="data",
    resource=resource,
)
