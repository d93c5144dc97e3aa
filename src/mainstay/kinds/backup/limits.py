"""What is found unusual about backups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.model.setting import Setting
from mainstay.model.units import Duration, Share, Size


@dataclass(frozen=True)
class Limits:
    """Limits of what a look at a repository finds. Sizes and times are held against the median of the seven backups before."""

    min_size: Annotated[Size, Setting("a dump has at least so many bytes", ge=0, example="10MB")] = Size(0)
    max_shrink: Annotated[Share, Setting("a dump may be smaller than usual by this share", ge=0, le=1, example="10%")] = Share(
        0.1
    )
    max_growth: Annotated[Share, Setting("a dump may be larger than usual by this share", ge=0, example="50%")] = Share(0.5)
    max_fewer: Annotated[
        Share, Setting("a table or folder may hold fewer rows or files than usual by this share", ge=0, le=1, example="10%")
    ] = Share(0.1)
    max_slowdown: Annotated[float, Setting("a backup may take so many times as long as usual", ge=1, example="3")] = 3.0
    max_rto: Annotated[
        Duration | None, Setting("rebuilding a target, or all in a drill, takes at most this", ge=1, example="30m")
    ] = None
    max_drill_age: Annotated[
        Duration | None, Setting("the last drill, which rebuilds everything, is younger than this", ge=1, example="365d")
    ] = None
    min_success: Annotated[
        Share, Setting("share of the last 30 days with a proven backup younger than max_age", ge=0, le=1, example="100%")
    ] = Share(1.0)
    min_free: Annotated[Size, Setting("so many bytes stay free on the disk of the repository", ge=0, example="50GB")] = Size(0)
    full_within: Annotated[
        Duration, Setting("a disk or budget that will be full earlier than this is found", ge=0, example="14d")
    ] = Duration(14 * 86_400)
