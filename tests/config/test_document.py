from __future__ import annotations

import os
from pathlib import Path

import pytest

from mainstay.config.document import DEEPEST, LARGEST, Map, compose, read
from mainstay.model.errors import ConfigError


def told(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        read(path, path.name)
    (mistake,) = caught.value.mistakes
    return str(mistake)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: 1\nb: \xff\n", "x.yaml:2: file: not UTF-8; save the file as UTF-8"),
        (b"a: 1\n\nb: \x00\n", "x.yaml:3: file: not YAML: special characters are not allowed"),
        (b'a: 1\nb: "\\0"\n', "x.yaml:2: file: a control character in a value"),
        (b'a: "\\e[2J"\n', "x.yaml:1: file: a control character in a value"),
        (b'a: "\\ud800"\n', "x.yaml:1: file: a control character in a value"),
        (b'a: 1\nb: "\\UFFFFFFFF"\n', "x.yaml:2: file: not YAML: an escape that stands for no character"),
        (b'a: 1\nb: "\\U00110000"\n', "x.yaml:2: file: not YAML: an escape that stands for no character"),
        (b"a: [1\nb: 2\n", "x.yaml:2: file: not YAML: "),
        (b"? [a]\n: 1\n", "x.yaml:1: file: a key must be plain text"),
        (b"[" * 100_000, f"x.yaml:1: file: nested deeper than {DEEPEST} levels"),
        (b"? " * 100_000, f"x.yaml:1: file: nested deeper than {DEEPEST} levels"),
        (b"- 1\n" * 30_000, "x.yaml:20000: file: more than 20,000 values"),
        (b"a: &a [1]\nb: [" + b"*a," * 60 + b"]\n", "x.yaml:2: file: aliases repeat more than 100 values; write the values out"),
    ],
)
def test_a_hostile_file_is_refused_at_its_line(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    assert told(path).startswith(expected)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.touch()
    os.truncate(path, 10**12)
    assert told(path) == f"x.yaml:1: file: cannot read {path}: 1 TB are more than {LARGEST}"


def test_links_in_a_circle_pipes_and_folders_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    os.mkfifo(tmp_path / "pipe.yaml")
    assert told(tmp_path / "loop.yaml").endswith("its links lead in a circle")
    assert told(tmp_path / "pipe.yaml").endswith("not a regular file")
    assert told(tmp_path).endswith("is a directory")
    assert told(tmp_path / "none.yaml").endswith("no such file or directory")


def test_an_empty_file_is_an_empty_map_and_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbf# nothing\n")
    assert read(path, "x.yaml") == Map((), read(path, "x.yaml").origin)


def test_an_alias_repeats_a_value_with_its_line() -> None:
    node = compose("a: &x {b: 1}\nc: *x\n", "x.yaml")
    assert isinstance(node, Map)
    assert node.entries[0][1] == node.entries[1][1]
