"""Print which statements that a plan can issue were never sent to a server by the tests.

usage: python -m tools.statements      (reads tests/.results/statements.txt, which the tests write; exits 1 when one is missing)
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from pathlib import Path

from mainstay.kinds import postgres
from mainstay.kinds.postgres.statement import Statement
from tests.live.postgres_server import missing

SENT = Path(__file__).resolve().parent.parent / "tests" / ".results" / "statements.txt"
NO_SERVER = "REPACK (CONCURRENTLY"  # PostgreSQL 19 has it, and there is none to install
ONLY_13 = "generate_series(%(low)s"  # a scan of a range of pages, which is new in 14


def main() -> int:
    """Compare what is declared with what was sent."""
    for module in pkgutil.iter_modules(postgres.__path__):
        importlib.import_module(f"{postgres.__name__}.{module.name}")
    sent = {json.loads(line) for line in SENT.read_text(encoding="utf-8").splitlines()}
    never = [one.text for one in Statement.known if one.text not in sent]
    excused = [text for text in never if text.startswith(NO_SERVER) or (ONLY_13 in text and missing(13))]
    print(f"{len(Statement.known)} statements, {len(Statement.known) - len(never)} executed")
    for text in never:
        print(f"{'not run against a server' if text in excused else 'NEVER EXECUTED'}: {' '.join(text.split())}")
    return 0 if never == excused else 1


if __name__ == "__main__":
    sys.exit(main())
