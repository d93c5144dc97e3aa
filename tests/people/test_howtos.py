"""The how-tos of checklists and emergencies: every command of their console blocks is run, and prints what the page says."""

from __future__ import annotations

import re
import shlex
import sqlite3
from pathlib import Path

import pytest

from tests.cli.shop import Shop
from tests.story.test_tutorial import commands
from tests.test_docs import configurations

PAGES = Path(__file__).parents[2] / "docs" / "how-to"


def settled(page: Path, folder: Path) -> Shop:
    """Make the site of a page in a folder: its first configuration, a database, and a log that is due."""
    (text,) = configurations(page)
    (folder / "mainstay.yaml").write_text(f"{text.replace('/srv/app', str(folder))}state: {folder}/state\n", encoding="utf-8")
    database = sqlite3.connect(folder / "app.db")
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    database.close()
    (folder / "logs").mkdir()
    (folder / "logs" / "app.log").write_text("a line of the log\n" * 500)
    return Shop(folder)


@pytest.mark.parametrize("name", ["handle-an-emergency", "work-with-checklists"])
def test_every_command_of_the_page_does_what_it_says(name: str, tmp_path: Path) -> None:
    page = PAGES / f"{name}.md"
    shop = settled(page, tmp_path)
    found = commands(page.read_text(encoding="utf-8"))
    assert found
    for command in found:
        words = shlex.split(command.text, comments=True)
        assert words[0] == "mainstay"
        printed = shop.run(*words[1:], code=command.code)
        for line in command.prints:
            assert re.sub(r"\d{4}", "YYYY", line) in re.sub(r"\d{4}", "YYYY", printed), command.text
