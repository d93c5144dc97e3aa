"""Whatever a file holds, it is a Site or a ConfigError, soon."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay import config
from mainstay.model.errors import ConfigError, Mistake
from mainstay.model.target import Origin

KEYS = """site timezone state include targets routines windows kind store web path of keep tasks around checks needs weekly
budget rule length max_impact proof within app.vacuum app.copy web.sign free_share expect app"""
VALUES = ("Europe/Berlin", "sunday 02:00", "/srv/x", "4h", "20%", "${X}", "~", "true", "-1", "1e400", "9" * 50, "a://b:c@d", "")
WORDS = st.sampled_from([*KEYS.split(), *VALUES])
TREES = st.recursive(
    WORDS | st.text(max_size=8) | st.integers() | st.floats() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=30,
)
SYNTAX = st.text(st.sampled_from(list("ab:- \n\t[]{}&*!|>'\"%@#?,~0.\\xuU\x00é\u2028")), max_size=200)


def flow(tree: object) -> str:
    """Write a tree in YAML's flow style."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(flow, tree)) + "]"
    return "'" + tree.replace("'", "''") + "'" if isinstance(tree, str) and tree in ("${X}", "", "~") else str(tree)


def accepts(content: bytes, kinds: config.Kinds) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mainstay.yaml"
        path.write_bytes(content)
        mistakes: tuple[Mistake, ...] = ()
        try:
            config.load(path, kinds)
        except ConfigError as error:
            mistakes = error.mistakes or (Mistake(Origin("", 0), "", ""),)
        assert all(mistake.origin.line >= 1 and mistake.path and mistake.problem for mistake in mistakes)


@pytest.fixture(scope="module")
def accept(kinds: config.Kinds) -> Callable[[bytes], None]:
    return lambda content: accepts(content, kinds)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes(accept: Callable[[bytes], None], content: bytes) -> None:
    accept(content)


@given(SYNTAX)
@settings(max_examples=200, deadline=None)
def test_any_text_with_the_signs_of_yaml(accept: Callable[[bytes], None], text: str) -> None:
    accept(text.encode())


@given(st.dictionaries(WORDS, TREES, max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_tree_of_known_words(accept: Callable[[bytes], None], tree: dict[str, object]) -> None:
    accept(flow(tree).encode())


@given(TREES, st.sampled_from(["targets", "routines", "windows"]))
@settings(max_examples=200, deadline=None)
def test_any_section_of_an_otherwise_good_file(accept: Callable[[bytes], None], tree: object, section: str) -> None:
    accept(f"site: x\ntimezone: UTC\n{section}: {{weekly: {flow(tree)}}}\n".encode("utf-8", "replace"))
