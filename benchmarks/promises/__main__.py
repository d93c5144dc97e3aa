"""Measure one promise and print each figure as a line of JSON; usage: python -m benchmarks.promises SET NAME."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from importlib import import_module

for goal in import_module(f"benchmarks.promises.{sys.argv[1]}.{sys.argv[2]}").measure():
    print(json.dumps(asdict(goal)), flush=True)
