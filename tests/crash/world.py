"""A small world for crashes: effects are single appended lines, so that nothing can be half done without being seen.

The routine has two brackets, two targets, a sign-off, and a check that fails as soon as something was changed: so its changes
are taken back under their brackets, which were lifted by then and have to be put in force again.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

_EFFECT = "sleep 0.03; printf '%s\\n' \"$1\" >> {log}; sleep 0.03"
_HOLDS = 'test "$(grep -xE "(un)?$1" {log} | tail -n 1)" = "$1"'
_SOUND = (
    "! grep -qxE '(un)?(menu|price)' {log} || test \"$(grep -cxE 'menu|price' {log})\" = \"$(grep -cxE 'unmenu|unprice' {log})\""
)

BRACKETS = ("gate", "worker")
CHANGES = ("menu", "price")


def build(folder: Path) -> Path:
    """Write the scripts and the configuration; return the path of the latter."""
    log = folder / "effects.log"
    log.touch()
    for name, text in (("effect", _EFFECT), ("holds", _HOLDS), ("sound", _SOUND)):
        (folder / name).write_text("#!/bin/sh\n" + text.format(log=log) + "\n")
        (folder / name).chmod(0o755)
    targets = [_command(folder, name, "downtime") for name in (*BRACKETS, *CHANGES)]
    targets.append(f'  note: {{kind: command, neutral: true, argv: ["{folder}/effect", note], done: ["{folder}/holds", note]}}')
    targets.append(f'  shop: {{kind: command, argv: ["/bin/true"], after: ["{folder}/sound"]}}')
    targets.append("  cook: {kind: manual, text: Is the kitchen closed?}")
    routine = "{around: [gate.hold, worker.hold], checks: [shop.check], tasks: [note.run, cook.sign, menu.run, price.run]}"
    lines = ["site: crash", "timezone: UTC", f"state: {folder}/state", "targets:", *targets, "routines:", f"  weekly: {routine}"]
    path = folder / "mainstay.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def _command(folder: Path, name: str, impact: str) -> str:
    acts = f'argv: ["{folder}/effect", {name}], undo: ["{folder}/effect", un{name}], done: ["{folder}/holds", {name}]'
    return f"  {name}: {{kind: command, impact: {impact}, {acts}}}"


def faults(folder: Path) -> list[str]:
    """Return everything in the log of effects that must not be: repeats, unpaid obligations, changes outside of brackets."""
    lines = (folder / "effects.log").read_text().split()
    found, inside = [], dict.fromkeys((*BRACKETS, *CHANGES, "note"), False)
    for number, line in enumerate(lines, 1):
        name, begins = line.removeprefix("un"), not line.startswith("un")
        if inside[name] is begins:
            found.append(f"line {number}: {line} is repeated")
        inside[name] = begins
        if name in CHANGES and not all(inside[bracket] for bracket in BRACKETS):
            found.append(f"line {number}: {line} outside of its brackets")
    found += [f"{name} is left in force" for name in (*BRACKETS, *CHANGES) if inside[name]]
    counts = Counter(lines)
    if counts["note"] != 1:
        found.append(f"the neutral note was made {counts['note']} times")
    return found
