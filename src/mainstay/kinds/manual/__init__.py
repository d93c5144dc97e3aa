"""An item for a person: the run is parked until somebody signs, with name, time and remark."""

from __future__ import annotations

from mainstay.kinds.kind import Kind
from mainstay.kinds.manual.settings import Settings
from mainstay.kinds.manual.sign import Sign

KIND = Kind(
    name="manual",
    summary="Something that a person does or decides, and signs",
    settings=Settings,
    tasks=(Sign(),),
)
