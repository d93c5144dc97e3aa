"""Facts as people read them: the unit of a fact is told by the ending of its name, here and nowhere else."""

from __future__ import annotations

from datetime import datetime

from mainstay.model.because import Scalar, Unit
from mainstay.model.units import Duration, Share, Size

ENDINGS: dict[Unit, tuple[str, ...]] = {
    "B": ("bytes", "size"),
    "s": ("seconds", "_s", "took"),
    "share": ("share",),
}
_TYPES: dict[type, Unit] = {Duration: "s", Size: "B", Share: "share"}
DASH = "–"


def unit_of(fact: str, value: Scalar = None) -> Unit:
    """Tell the unit of a fact by its type, or by the ending of its name: bytes, size; seconds, _s, took; share."""
    by_name: Unit = next((unit for unit, endings in ENDINGS.items() if fact.endswith(endings)), "")
    return _TYPES.get(type(value), by_name)


def shown(value: Scalar, unit: Unit = "") -> str:
    """Print a fact with its unit; a fact that is not there is a dash."""
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    sign = "−" if value < 0 else ""
    return sign + _magnitude(abs(value), unit)


def signed(value: float, unit: Unit = "") -> str:
    """Print a difference, always with its sign."""
    return f"+{shown(value, unit)}" if value > 0 else ("±0" if value == 0 else shown(value, unit))


def change_of(share: float) -> str:
    """Print a relative change: per cent, and from a tenfold change on as a factor."""
    if share >= 9:
        return f"×{share + 1:,.3g}" if share < 999 else f"×{share + 1:,.0f}"
    return signed(share, "share")


def chain(head: str) -> str:
    """Print the head of the journal's chain, for `mainstay ledger verify --against`."""
    return f" Journal head {head}." if head else ""


def moment(at: datetime | None, now: datetime) -> str:
    """Print a point in time in the zone of `now`, to the minute; the year only where it is another one."""
    if at is None:
        return DASH
    local = at.astimezone(now.tzinfo)
    return f"{local:%a %d %b %H:%M}" if local.year == now.year else f"{local:%d %b %Y %H:%M}"


def ago(at: datetime | None, now: datetime) -> str:
    """Print how long ago something was, in the largest unit that fits."""
    if at is None:
        return "never"
    seconds = (now - at).total_seconds()
    if seconds < 1:
        return "now"
    size = next(size for size in (86400, 3600, 60, 1) if seconds >= size)
    return f"{Duration(int(seconds // size) * size)} ago"


def _magnitude(value: float, unit: Unit) -> str:
    if unit == "s":
        return str(Duration(value)) if value else "0s"
    if unit == "B":
        return str(Size(round(value)))
    if unit == "share":
        return str(Share(round(value, 4)))
    return f"{round(value):,}" if float(value).is_integer() or value >= 1000 else f"{value:.3g}"
