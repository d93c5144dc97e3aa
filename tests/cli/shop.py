"""A small site of real things, and the real program that maintains it."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIGURATION = """\
site: corner-shop
timezone: Europe/Berlin
state: {folder}/state
targets:
  db: {{kind: sqlite, path: {folder}/shop.db}}
  logs: {{kind: logs, paths: ["{folder}/logs/*.log"], size: 1kB, rivals: []}}
  safe: {{kind: backup, repository: {{path: {folder}/backups}}, of: [db]}}
  menu: {{kind: manual, text: "Is the new menu live on the phone?"}}
  mark: {{kind: command, argv: [/usr/bin/touch, "{folder}/mark"], done: [/usr/bin/test, -e, "{folder}/mark"],
         undo: [/bin/rm, -f, "{folder}/mark"]}}
  slow: {{kind: command, argv: [/bin/sh, -c, "touch {folder}/begun; exec sleep 60"], undo: ["/usr/bin/true"], on_unknown: undo}}
  final: {{kind: command, argv: [/bin/echo, gone], impact: none}}
routines:
  daily: {{tasks: [safe.backup, safe.prove, logs.rotate], cadence: daily}}
  tidy: {{tasks: [db.optimize]}}
  launch: {{tasks: [mark.run, menu.sign]}}
  move: {{tasks: [mark.run, slow.run]}}
  nightly: {{tasks: [mark.run], window: night}}
windows:
  night: {{rule: "yearly 01-01 02:00", length: 1h}}
blackouts:
  closed: {{on: "12-24..12-26", reason: nobody is here}}
checklists:
  opening: {{items: {{Shop: [The till is counted, {{text: The database answers, task: db.check}}]}}}}
"""


@dataclass(frozen=True)
class Shop:
    """A folder with a database, a log, and mainstay.yaml."""

    folder: Path

    @classmethod
    def built(cls, folder: Path) -> Shop:
        (folder / "logs").mkdir(parents=True)
        (folder / "logs" / "app.log").write_text("a line of the log\n" * 500, encoding="utf-8")
        (folder / "logs" / "app.log").chmod(0o640)
        database = sqlite3.connect(folder / "shop.db")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT)")
        database.executemany("INSERT INTO orders (what) VALUES (?)", [("tea",)] * 100)
        database.commit()
        database.close()
        (folder / "mainstay.yaml").write_text(CONFIGURATION.format(folder=folder), encoding="utf-8")
        return cls(folder)

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """Start `mainstay` in the folder, without a terminal unless one is given."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAINSTAY", "NO_COLOR"))}
        seen = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        seen["env"] = {**environment, "COLUMNS": "80", **seen.get("env", {})}
        program = [sys.executable, "-c", "from mainstay.cli.main import main; main()", *words]
        return subprocess.Popen(program, cwd=self.folder, text=True, **seen)

    def run(self, *words: str, code: int = 0, **more: Any) -> str:
        """Return what `mainstay` printed, standard output first; it must end with `code`."""
        with self.start(*words, **more) as process:
            output, errors = process.communicate(timeout=60)
        assert process.returncode == code, f"mainstay {' '.join(words)} ended with {process.returncode}:\n{output}{errors}"
        return (output or "") + (errors or "")

    def json(self, *words: str, code: int = 0) -> dict[str, Any]:
        """Return what `mainstay ... --json` printed."""
        found: dict[str, Any] = json.loads(self.run(*words, "--json", code=code))
        return found

    def last(self) -> dict[str, Any]:
        """Return the record of the newest run."""
        record: dict[str, Any] = self.json("show", "last")["run"]
        return record
