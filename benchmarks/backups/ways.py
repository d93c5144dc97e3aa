"""Every way of backing up a database, as commands: those of others, and ours."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.backups.database import NAME, local
from benchmarks.backups.measured import Measured, measured, timed
from mainstay.vault.names import BackupId
from tests.live.postgres_server import PostgresServer

START = datetime(2026, 1, 1, 2, tzinfo=UTC)
SECRETS = {"RESTIC_PASSWORD": "bench", "BORG_PASSPHRASE": "bench", "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}
SHELL = {
    "pg_dump | gzip": 'pg_dump -d "$DSN" | gzip > $PLACE/$DAY.sql.gz',
    "pg_dump -Fc -Z0 | zstd -3": 'pg_dump -d "$DSN" -Fc -Z0 | zstd -q -3 -T2 -f -o $PLACE/$DAY.dump.zst',
    "restic": 'pg_dump -d "$DSN" -Fc -Z0 | restic backup -q -r $PLACE --stdin --stdin-filename app.dump --time "$AT"',
    "borg": 'pg_dump -d "$DSN" -Fc -Z0 | borg create -C zstd,3 --timestamp "${AT/ /T}" --stdin-name app.dump $PLACE::$DAY -',
}
SETUP = {"restic": "restic init -q --repository-version 2 -r $PLACE", "borg": "borg init -e repokey-blake2 $PLACE 2>/dev/null"}
FORGET = {
    "restic": "restic forget -q -r $PLACE --keep-daily 7 --keep-weekly 4 --prune",
    "borg": "borg prune --keep-daily 7 --keep-weekly 4 $PLACE && borg compact $PLACE",
}
RUNBOOK, ALONE, OURS = "pg_dump | gzip", "mainstay: dump and store alone", "mainstay: deltas, digests, read-back"


def id_of(day: int, number: int = 0) -> BackupId:
    """Name a backup of a day; `number` tells repetitions apart."""
    return BackupId.of(START + timedelta(days=day), "db", f"run-{number}")


@dataclass
class Ways:
    """All ways below one folder, of one server's database."""

    made: PostgresServer
    folder: Path

    def back_up(self, way: str, day: int, what: str, number: int = 0, previous: BackupId | None = None) -> Measured:
        """Back up, and measure."""
        if way in SHELL:
            return self._measured(way, what, ["bash", "-o", "pipefail", "-ec", SHELL[way]], day)
        verb, rest = ("alone", []) if way == ALONE else ("backup", [previous] if previous else [])
        return self._measured(way, what, self._ours(verb, way, id_of(day, number), *rest), day)

    def restore(self, way: str, day: int, into: str) -> Measured:
        """Restore into a new database, and measure."""
        self.made.sql("CHECKPOINT")
        if way == OURS:
            return self._measured(way, "restore", self._ours("restore", way, id_of(day), into), day)
        self.made.sql(f"CREATE DATABASE {into} TEMPLATE template0")
        script = (
            f'gunzip -c $PLACE/$DAY.sql.gz | psql -qX -v ON_ERROR_STOP=1 -d "${{DSN/dbname={NAME}/dbname={into}}}" >/dev/null'
        )
        return self._measured(way, "restore", ["bash", "-o", "pipefail", "-ec", script], day)

    def forget(self, way: str, day: int) -> None:
        """Keep 7 daily and 4 weekly ones of another tool's."""
        self._measured(way, "forget", ["bash", "-o", "pipefail", "-ec", FORGET[way]], day)

    def place(self, way: str) -> Path:
        """Return the folder of a way, made ready at the first call."""
        names = "".join(letter if letter.isalnum() else "-" for letter in way)
        (place := self.folder / names).mkdir(parents=True, exist_ok=True)
        return place

    def begin(self, way: str) -> None:
        """Make a repository where a tool has one."""
        if way in SETUP:
            self._measured(way, "setup", ["bash", "-ec", SETUP[way]], 0)

    def _ours(self, verb: str, way: str, *rest: str) -> list[str]:
        return [sys.executable, "-m", "benchmarks.backups.ours", verb, local(self.made), str(self.place(way) / "repo"), *rest]

    def _measured(self, way: str, what: str, argv: list[str], day: int) -> Measured:
        place = self.place(way)
        path = f"{self.made.binaries.bin}:/usr/bin:/bin"
        env = {"DSN": local(self.made), "PLACE": str(place), "DAY": str(day), "PATH": path, **SECRETS}
        env |= {"AT": f"{START + timedelta(days=day):%Y-%m-%d %H:%M:%S}"}
        env |= {"RESTIC_CACHE_DIR": str(self.folder / "cache"), "BORG_BASE_DIR": str(self.folder / "borg")}
        return measured(self.made, (way, what), timed(argv), place, env)
