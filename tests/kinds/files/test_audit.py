"""Configuration files parse, their variables are set, and not everybody reads their secrets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mainstay.kinds.files import KIND
from mainstay.kinds.files.audit import Facts
from mainstay.kinds.files.syntax import mistakes
from mainstay.model.codec import decode, encode
from tests.kinds.files.conftest import Folder

Write = Callable[..., Path]


@pytest.mark.covers("CFG-02")
@pytest.mark.parametrize(
    ("form", "text", "expected"),
    [
        ("env", "A=1\n\n# note\nexport B='x y'\nC=\n", []),
        ("env", "A=1\nB 2\nC = 3\nA=4\n", [(2, "is not KEY=value"), (3, "C is followed by a blank"), (4, "A is there twice")]),
        ("env", 'A="two\nlines"\nB="never\n', [(3, "the quote of B is not closed")]),
        ("env", 'A="escaped \\" quote"\nB=\'it is\'\n', []),
        ("yaml", "a: 1\nb:\n  - c: 1\n    d: 2\n  - c: 1\n", []),
        ("yaml", "a: 1\nb: 2\na: 3\n", [(3, "a is there twice, first in line 1")]),
        ("yaml", "a:\n  - b: {c: 1, c: 2}\n  - b: 1\n", [(2, "c is there twice")]),
        ("yaml", "a: 1\n\tb: 2\n", [(2, "")]),
        ("yaml", "a: [1, 2\n", [(2, "")]),
        ("yaml", "x: &x {a: 1}\ny: {<<: *x, <<: *x}\n---\nx: 1\n", []),
        ("json", '{"a": 1,\n "b": }', [(2, "Expecting value")]),
        ("json", "[" * 100_000, [(1, "nested too deeply")]),
        ("toml", "[a]\nb = 1\nb = 2\n", [(3, "Cannot overwrite a value")]),
        ("toml", 'a = "', [(1, "")]),
        ("lines", "anything [goes", []),
    ],
)
def test_a_mistake_is_told_with_its_line(form: str, text: str, expected: list[tuple[int, str]]) -> None:
    seen = mistakes(form, text)
    assert [one.line for one in seen] == [line for line, _ in expected]
    assert all(one.problem.startswith(problem) for one, (_, problem) in zip(seen, expected, strict=True))


@pytest.mark.covers("CFG-02")
def test_variables_that_compose_uses_and_nobody_sets(folder: Folder, write: Write) -> None:
    write(
        "compose.yaml",
        "services:\n  api:\n    image: app:${TAG}\n    ports: ['${PORT:-80}:80', $HOST]\n"
        "    command: echo $$HOME ${SET} ${TAG} ${MUST:?say} # ${COMMENT}\n",
    )
    write(".env", "SET=1\n", mode=0o600)
    assert folder.told("audit") == [
        "WARNING compose.yaml:3: TAG used not in .env",
        "WARNING compose.yaml:4: HOST used not in .env",
        "CRITICAL compose.yaml:5: MUST used not in .env",
    ]


@pytest.mark.covers("CFG-02")
def test_the_env_beside_a_compose_file_counts_though_it_was_not_named(folder: Folder, write: Write) -> None:
    write("app/compose.yaml", "a: ${A} ${B}\n")
    write("app/.env", "A=1\n", mode=0o600)
    write(".env", "B=1\n", mode=0o600)
    folder.settings = replace(folder.settings, configuration=("app/compose.yaml",))
    assert folder.told("audit") == ["WARNING app/compose.yaml:1: B used not in .env"]


@pytest.mark.covers("CFG-02")
def test_every_mistake_of_every_file_is_told_in_one_go(folder: Folder, write: Write) -> None:
    write(".env", "A=1\nB\n", mode=0o644)
    write("compose.yaml", "a: [\n")
    write("compose.override.yaml", "a: 1\na: 2\n")
    write(".env.example", "A")
    facts: Facts = folder.look("audit")
    assert [(one.file, one.line) for one in facts.flaws] == [(".env", 2), ("compose.override.yaml", 2), ("compose.yaml", 2)]
    assert facts.open_to_all == (".env",)
    assert decode(Facts, encode(facts)) == facts


def test_sound_files_are_one_line(folder: Folder, write: Write) -> None:
    write(".env", "A=1\n", mode=0o600)
    kind = KIND.task("audit")
    (finding,) = kind.assess(folder.look("audit"), kind.params())
    assert str(finding) == "configuration: files: 1 looked at, nothing wrong"


@pytest.mark.covers("CFG-02")
def test_what_differs_from_the_approved_copies_is_told_by_line_and_never_by_value(
    folder: Folder, write: Write, tmp_path: Path
) -> None:
    write(".env", "A=1\nPASSWORD=new-marker\n", mode=0o600)
    write("compose.yaml", "services: {}\n")
    write("added.env", "B=1\n", mode=0o600)
    approved = tmp_path / "approved"
    approved.mkdir()
    (approved / ".env").write_text("A=1\nPASSWORD=old-marker\n")
    (approved / "compose.yaml").write_text("services: {}\n")
    (approved / "gone.env").write_text("C=1\n")
    folder.settings = replace(folder.settings, approved=approved)
    told = folder.told("audit")
    assert told == [
        "WARNING .env:2: differs from the approved copies: changed",
        "WARNING added.env: differs from the approved copies: new",
        "WARNING gone.env: differs from the approved copies: missing",
    ]
    assert "marker" not in str(told)
