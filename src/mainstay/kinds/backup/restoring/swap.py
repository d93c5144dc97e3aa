"""Put a restored copy in the place of the live target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.backup.copies.seen import PlacesFacts
from mainstay.kinds.backup.restoring.exchange import Exchange, exchanging, stamped
from mainstay.model.because import Because, because
from mainstay.model.plan import Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.units import Duration
from mainstay.vault.names import BackupId
from mainstay.vault.places import Place

KEEP = Setting("how long what was live stays afterwards, at least", ge=0, example="7d")


@dataclass(frozen=True)
class SwapParams:
    """Which copy, of what."""

    target: Annotated[str, Setting("the target whose place a copy takes", refers_to="target", example="db")]
    copy: Annotated[
        str, Setting("the place of the copy; default: the newest that was restored", example="/srv/restored/app.db")
    ] = ""
    backup: Annotated[
        str, Setting("the id of the backup whose copy beside the live one is meant, or its beginning", example="20261121T02")
    ] = ""
    keep_old: Annotated[Duration, KEEP] = Duration(7 * 86_400)


class Swap(Exchange[SwapParams]):
    """Names are exchanged and nothing is destroyed; users notice it for about a second."""

    name = "swap"
    summary = "put a restored copy in the place of the live target, which stays beside it, closed"
    params = SwapParams

    def plan(self, facts: PlacesFacts, params: SwapParams, name: str) -> list[Step | Skip]:
        """One step, or the reason why there is nothing to put in place."""
        reason = facts.obstacle(params.target)
        chosen = reason or _chosen(facts, params)
        if not isinstance(chosen, Place):
            return [Skip(("exchange", params.target), chosen, fails=True)]
        why = f"copy of {chosen.backup}"
        return [exchanging(facts, chosen, stamped("before", facts, name), params.keep_old, why)]


def _chosen(facts: PlacesFacts, params: SwapParams) -> Place | Because:
    """Return the copy that is meant; that of a backup which is named may be restored by an earlier task of the same run."""
    copies = facts.there(params.target, "restored")
    if params.copy:
        meant = [one for one in copies if one.place == params.copy]
        return meant[0] if meant else because("copies that were restored there", 0)
    if not params.backup:
        return max(copies, key=lambda one: (one.backup, one.at)) if copies else because("restored copies", 0)
    beside = facts.living(params.target).beside
    ids = [id for id in beside if id.startswith(params.backup)]
    if len(ids) != 1:
        return because(f"backups whose id begins with {params.backup}", len(ids), "!=", 1)
    return Place(1, params.target, beside[ids[0]], "restored", BackupId(ids[0]), facts.repository.at)
