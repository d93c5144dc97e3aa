"""Print which required behaviours have a passing test: per area the number, and which.

usage: python tools/matrix.py      (reads ../shared/coverage.yaml and tests/.results/covered.txt, which the tests write)
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
REQUIRED = ROOT.parent / "shared" / "coverage.yaml"
COVERED = ROOT / "tests" / ".results" / "covered.txt"


def required(path: Path) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Read the names of the areas, and the ids of each."""
    matrix = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    ids: dict[str, list[str]] = defaultdict(list)
    for item in matrix["entries"]:
        ids[item["id"].partition("-")[0]].append(item["id"])
    return matrix["areas"], ids


def covered(path: Path) -> dict[str, set[str]]:
    """Read which tests have proven which id."""
    tests: dict[str, set[str]] = defaultdict(set)
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, test = line.partition(" ")
        tests[name].add(test)
    return tests


def main() -> int:
    """Print the matrix; exit 1 when a test claims an id that nobody requires."""
    if not REQUIRED.exists():
        print(f"{REQUIRED} is not here: there is nothing to compare with")
        return 0
    if not COVERED.exists():
        print(f"{COVERED} is not here: run `make test test-long` first")
        return 2
    areas, ids = required(REQUIRED)
    tests = covered(COVERED)
    for area, wanted in ids.items():
        proven = [name for name in wanted if name in tests]
        print(f"{area:<5}{len(proven):>3} of {len(wanted):<3} {areas.get(area, '')}: {' '.join(proven) or '-'}")
    everything = {name for wanted in ids.values() for name in wanted}
    print(f"\n{len(everything & tests.keys())} of {len(everything)} by {len(set().union(*tests.values()))} tests")
    unknown = sorted(tests.keys() - everything)
    print("\n".join(f"unknown id {name}: {' '.join(sorted(tests[name]))}" for name in unknown))
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
