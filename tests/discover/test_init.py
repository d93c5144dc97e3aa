from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay import config
from mainstay.discover import Note, Seen, discover, init_text, write
from mainstay.kinds import registry
from mainstay.kinds.kind import Found
from mainstay.model.errors import ConfigError
from mainstay.model.units import Duration

EXPECTED = """\
targets:
  # two metres of books
  shelf:
    kind: shelf
    path: "/srv/a b"
    every: 2h

  shelf-2:
    kind: shelf
    path: /b

routines:
  daily:
    cadence: daily
    tasks:
      - shelf.tidy
  weekly:
    cadence: weekly
    tasks:
      - shelf.tidy
      # - shelf.move  # may cause downtime: raise max_impact below
"""


def test_what_is_found_becomes_targets_and_routines_and_a_disturbing_task_a_question(kinds: config.Kinds) -> None:
    seen, _ = discover(kinds)
    assert EXPECTED in init_text(seen, [], "demo", "Europe/Berlin", kinds)


def test_a_kind_that_cannot_look_and_what_has_no_kind_are_comments(kinds: config.Kinds) -> None:
    _, notes = discover(kinds)
    text = init_text([], [*notes, Note("socket", "postgres"), Note("crontab", "", ("1 2 * * * x",))], "demo", "UTC", kinds)
    assert "#   kind cellar could not look around: cannot look (the cellar)\n" in text
    assert "#   socket: kind postgres is not available in this version\n" in text
    assert "#   crontab\n#       1 2 * * * x\n" in text


def test_the_written_file_is_loaded_with_all_that_was_found(tmp_path: Path, kinds: config.Kinds) -> None:
    seen, notes = discover(kinds)
    write(tmp_path / "mainstay.yaml", init_text(seen, notes, "demo", "Europe/Berlin", kinds), kinds)
    site = config.load(tmp_path / "mainstay.yaml", kinds)
    assert site.targets["shelf"].settings.every == Duration(7200)
    assert [task.id for task in site.routines["weekly"].tasks] == ["shelf.tidy"]


def test_a_file_that_is_there_is_kept_and_a_bad_one_is_never_written(tmp_path: Path, kinds: config.Kinds) -> None:
    path = tmp_path / "mainstay.yaml"
    with pytest.raises(ConfigError, match="1 mistake"):
        write(path, "site: demo\n", kinds)
    assert not path.exists()
    path.write_text("mine")
    with pytest.raises(ConfigError, match="is there already"):
        write(path, init_text([], [], "demo", "UTC", kinds), kinds)
    assert path.read_text() == "mine"


def test_this_host_gives_a_file_that_can_be_used(tmp_path: Path) -> None:
    seen, notes = discover(registry)
    write(tmp_path / "mainstay.yaml", init_text(seen, notes, "demo", "UTC", registry), registry)
    assert config.load(tmp_path / "mainstay.yaml", registry).name == "demo"


NAMES = st.text(max_size=20)
FOUND = st.builds(
    lambda name, path, comment, labels: Found(name, {"path": f"/{path}", "labels": labels}, comment, ("tidy",)),
    NAMES,
    st.text(st.characters(categories=["L", "N", "P", "Z"], exclude_characters="${"), max_size=20),
    st.text(max_size=40),
    st.dictionaries(st.sampled_from(["a", "b c", "yes", "1", "#x", "*"]), st.sampled_from(["", "null", "- a", "7", "a: b", "'"])),
)


@settings(deadline=None)
@given(st.lists(FOUND, max_size=4), st.lists(st.builds(Note, st.text(), st.just(""), st.tuples(st.text())), max_size=3))
def test_whatever_is_found_the_file_can_be_loaded(kinds: config.Kinds, found: list[Found], notes: list[Note]) -> None:
    text = init_text([Seen(kinds.load("shelf"), one) for one in found], notes, "demo", "UTC", kinds)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mainstay.yaml"
        write(path, text, kinds)
        site = config.load(path, kinds)
    read = [(str(target.settings.path), target.settings.labels) for target in site.targets.values()]
    assert read == [(str(Path(one.settings["path"])), one.settings["labels"]) for one in found]
