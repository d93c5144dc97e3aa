"""Write docs/reference/settings.md and docs/reference/mainstay.schema.json from the declarations in the code."""

from __future__ import annotations

import json
from pathlib import Path

from mainstay import config
from mainstay.kinds import registry

FOLDER = Path(__file__).parent.parent / "docs" / "reference"

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "settings.md").write_text(config.reference(registry), encoding="utf-8")
    (FOLDER / "mainstay.schema.json").write_text(json.dumps(config.schema(registry), indent=2) + "\n", encoding="utf-8")
