"""Put back what a copy has replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.kinds.backup.copies.seen import PlacesFacts
from mainstay.kinds.backup.restoring.exchange import Exchange, exchanging, stamped
from mainstay.kinds.backup.restoring.swap import KEEP
from mainstay.model.because import because
from mainstay.model.plan import Skip, Step
from mainstay.model.setting import Setting
from mainstay.model.units import Duration


@dataclass(frozen=True)
class UnswapParams:
    """What is put back."""

    target: Annotated[str, Setting("the target whose place was taken by a copy", refers_to="target", example="db")]
    old: Annotated[
        str, Setting("the place of what was replaced; default: the newest", example="shop_before_20261121T0200Z_3f6c")
    ] = ""
    keep_old: Annotated[Duration, KEEP] = Duration(7 * 86_400)


class Unswap(Exchange[UnswapParams]):
    """The same exchange, the other way round: what users have written since stays beside it."""

    name = "unswap"
    summary = "put back what a copy has replaced; what was live in between stays beside it, closed"
    params = UnswapParams

    def plan(self, facts: PlacesFacts, params: UnswapParams, name: str) -> list[Step | Skip]:
        """One step, or the reason why there is nothing to put back."""
        on = ("exchange", params.target)
        if (reason := facts.obstacle(params.target)) is not None:
            return [Skip(on, reason, fails=True)]
        replaced = [one for one in facts.there(params.target, "replaced") if params.old in ("", one.place)]
        if not replaced:
            return [Skip(on, because("places that a copy has replaced", 0), fails=True)]
        why = f"replaced {replaced[-1].at:%Y-%m-%d %H:%M:%S} UTC"
        return [exchanging(facts, replaced[-1], stamped("after", facts, name), params.keep_old, why)]
