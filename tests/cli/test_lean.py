"""What a call imports is what it costs: help needs no libraries, status only those that it shows something with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from mainstay.cli.commands import COMMANDS, Commands, app
from tests.cli.shop import Shop

HEAVY = ("cryptography", "jinja2", "psutil", "http.client", "asyncio", "multiprocessing", "unittest", "importlib.metadata")
ENGINE = ("mainstay.app", "mainstay.engine.context", "mainstay.engine.observe", "mainstay.engine.by_root")
OTHERS = ("server", "store", "compaction", "upgrade", "discover")
TOLD = ("rich", "pydantic", "ruamel.yaml", "sqlite3", "mainstay.model.task", *ENGINE, *HEAVY)


@pytest.mark.parametrize(("call", "without"), [("--help", TOLD), ("status", (*ENGINE, *HEAVY))])
def test_a_call_imports_no_more_than_it_needs(call: str, without: tuple[str, ...], kept: Shop) -> None:
    imported = _imported(kept, call)
    assert "typer" in imported
    assert not imported.intersection(without)


def test_of_a_kind_with_many_tasks_those_are_imported_that_are_configured(tmp_path: Path) -> None:
    shop = Shop(tmp_path)
    (tmp_path / "mainstay.yaml").write_text(
        f"site: shop\ntimezone: UTC\nstate: {tmp_path / 'state'}\ntargets: {{db: {{kind: postgres, dsn: postgresql:///shop}}}}\n"
        "routines: {nightly: {tasks: [db.vacuum], cadence: daily}}\n"
    )
    imported = _imported(shop, "check-config")
    assert "mainstay.kinds.postgres.vacuum.vacuum" in imported
    assert not imported.intersection({"psycopg", *(f"mainstay.kinds.postgres.{other}" for other in OTHERS)})


def test_help_lists_each_command_with_the_first_sentence_of_its_own_help(kept: Shop) -> None:
    listed = " ".join(kept.run("--help").split())
    commands = typer.main.get_command(app)
    assert isinstance(commands, Commands)
    for name in COMMANDS:
        assert f" {name} {commands.get_command(None, name).get_short_help_str(limit=70)}" in listed


def test_a_command_that_has_ended_leaves_the_whole_ledger_in_its_files(shop: Shop) -> None:
    shop.run("run", "mark.run", "--yes")
    assert sorted(path.name for path in (shop.folder / "state").glob("*.db*")) == ["journal.db", "samples.db"]


def _imported(shop: Shop, call: str) -> set[str]:
    return set(re.findall(r"^import '([\w.]+)'", shop.run(call, env={"PYTHONVERBOSE": "1"}), re.MULTILINE))
