"""Write docs/reference/settings.md from the declarations in the code."""

from __future__ import annotations

from pathlib import Path

from mainstay import config
from mainstay.kinds import registry

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"

if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(config.reference(registry), encoding="utf-8")
