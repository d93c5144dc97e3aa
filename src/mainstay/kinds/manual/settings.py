"""What a person is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mainstay.model.setting import Setting


@dataclass(frozen=True)
class Settings:
    """An item of a checklist."""

    text: Annotated[str, Setting("What the person is to do or to decide.", example="Is the new menu live on the phone?")]
