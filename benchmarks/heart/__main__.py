"""Measure one promise and print each figure as a line of JSON; usage: python -m benchmarks.heart NAME."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from importlib import import_module

for goal in import_module(f"benchmarks.heart.{sys.argv[1]}").measure():
    print(json.dumps(asdict(goal)), flush=True)
